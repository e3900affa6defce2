#!/usr/bin/env bash
# Train the model of CONFIG: on the Kubeflow Pipelines server at KFP_HOST, or here where none is named. SUMMARY gets the outcome.
# Exit codes are those of `timonel pipeline run`: 0 a version was registered, 10 it failed its gates, 1 an error.
set -euo pipefail
: "${CONFIG:?name the timonel.yaml}" "${SUMMARY:=/dev/stdout}"
arguments=(pipeline run --config "$CONFIG")
[[ -z "${KFP_HOST:-}" ]] || arguments+=(--host "$KFP_HOST")
[[ -z "${IMAGE:-}" ]] || arguments+=(--image "$IMAGE")
[[ -z "${NAMESPACE:-}" ]] || arguments+=(--namespace "$NAMESPACE")
code=0
timonel "${arguments[@]}" | tee train.log || code=$?
case $code in
  0) outcome="a version was registered" ;;
  10) outcome="the model failed its gates, nothing was registered" ;;
  *) outcome="an error" ;;
esac
{ printf '## Training %s: %s\n\n```text\n' "$CONFIG" "$outcome"; cat train.log; printf '```\n'; } >> "$SUMMARY"
exit "$code"
