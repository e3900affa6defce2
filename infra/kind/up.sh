#!/usr/bin/env bash
# A cluster on this machine with what Timonel needs: kind, then the platform without Kubeflow, MLflow and Prometheus (PARTS for others).
set -euo pipefail
cd "$(dirname "$0")/../.."
for tool in kind kubectl helm docker; do
  command -v "$tool" >/dev/null || { echo "error: $tool is not installed" >&2; exit 1; }
done
kind get clusters | grep -qx timonel || kind create cluster --config infra/kind/kind.yaml --wait 120s
kubectl config use-context kind-timonel
infra/kind/load.sh
make platform PARTS="${PARTS:-gateway-api cert-manager traefik gateway timonel kserve-crd kserve kserve-runtimes kubeflow-cluster argo-workflows}"
kubectl --namespace traefik patch service traefik --type merge --patch \
  '{"spec": {"type": "NodePort", "ports": [{"name": "web", "port": 80, "targetPort": "web", "nodePort": 30080}]}}'
echo "the gateway answers at http://127.0.0.1:8000; 'kind delete cluster --name timonel' removes everything"
