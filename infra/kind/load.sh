#!/usr/bin/env bash
# Load the images that `make images` built into the kind cluster: there is no registry to pull them from.
set -euo pipefail
images=$(docker images --format '{{.Repository}}:{{.Tag}}' --filter 'reference=timonel/*')
if [[ -z "$images" ]]; then
  echo "no images named timonel/*: 'make images' builds them"
  exit 0
fi
# shellcheck disable=SC2086 - one word an image
kind load docker-image --name timonel $images
