#!/usr/bin/env bash
# The release workflow's step: forward to the monitor, run release.py, write its report into the job's summary and its outcome as an output.
# The exit code is that of release.py: 0 promoted, 10 rolled back, 30 inconclusive, 1 an error.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${RELEASE:?}" "${MODEL:?}" "${STABLE:?}" "${CANARY:?}" "${VALUES:?}" "${NAMESPACE:?}" "${MONITOR:?}"
port=${PORT:-9400}
# a run of its own each: a version that was rolled back may be released again
id=$RELEASE-$CANARY${GITHUB_RUN_ID:+-$GITHUB_RUN_ID-${GITHUB_RUN_ATTEMPT:-1}}
arguments=(--id "$id" --release "$RELEASE" --model "$MODEL" --stable "$STABLE" --canary "$CANARY" --values "$VALUES"
  --namespace "$NAMESPACE" --chart "$here/../helm/timonel" --monitor "http://127.0.0.1:$port"
  --deadline "$(awk -v hours="${HOURS:-5}" 'BEGIN { print hours * 3600 }')" --interval "${INTERVAL:-30}" --settle "${SETTLE:-5}" --report release.md)
read -r -a settings <<< "${CANARY_SET:-}"
for setting in "${settings[@]}"; do arguments+=(--canary-set "$setting"); done
[[ -z "${WITHDRAW:-}" ]] || arguments+=(--withdraw)
code=0
"$here/forward.sh" "$NAMESPACE" "$MONITOR" "$port" python3 "$here/release.py" "${arguments[@]}" || code=$?
case $code in 0) outcome=promote ;; 10) outcome=rollback ;; 30) outcome=inconclusive ;; *) outcome=error ;; esac
echo "outcome=$outcome" >> "${GITHUB_OUTPUT:-/dev/null}"
[[ ! -f release.md ]] || cat release.md >> "${GITHUB_STEP_SUMMARY:-/dev/stdout}"
exit "$code"
