#!/usr/bin/env bash
# A way into the cluster: KUBECONFIG_CONTENT (any cluster) is written to a file of one's own, otherwise EKS is asked for CLUSTER.
set -euo pipefail
: "${KUBECONFIG:?name the file to write}"
umask 077
if [[ -n "${KUBECONFIG_CONTENT:-}" ]]; then
  printf '%s\n' "$KUBECONFIG_CONTENT" > "$KUBECONFIG"
elif [[ -n "${CLUSTER:-}" ]]; then
  aws eks update-kubeconfig --name "$CLUSTER" --kubeconfig "$KUBECONFIG"
else
  echo "error: neither a kubeconfig nor the name of a cluster was given" >&2
  echo "  fix: set the secret kubeconfig, or the inputs cluster and aws-role" >&2
  exit 1
fi
