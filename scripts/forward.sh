#!/usr/bin/env bash
# Reach the monitor in the cluster at 127.0.0.1:PORT while a command runs: forward.sh NAMESPACE SERVICE PORT COMMAND...
# The way is renewed when it breaks (a pod is replaced); the command's exit code is ours.
set -euo pipefail
namespace=$1 service=$2 port=$3
shift 3
(
  trap 'kill "${child:-}" 2>/dev/null; exit 0' TERM
  while true; do
    kubectl --namespace "$namespace" port-forward "service/$service" "$port:9400" --address 127.0.0.1 >/dev/null &
    child=$!
    wait "$child" || sleep 1
  done
) &
way=$!
trap 'kill "$way" 2>/dev/null || true' EXIT
code=0
"$@" || code=$?
exit "$code"
