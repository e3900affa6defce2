#!/usr/bin/env bash
# Sign an image by digest without a key, and attest its SBOM: sign.sh IMAGE@sha256:... SBOM
set -euo pipefail
image=$1 sbom=$2
if [[ ! "$image" =~ @sha256:[0-9a-f]{64}$ ]]; then
  echo "error: $image is no digest: a tag may point elsewhere tomorrow" >&2
  exit 1
fi
cosign sign --yes "$image"
cosign attest --yes --type spdxjson --predicate "$sbom" "$image"
printf -- '- `%s`\n' "$image" >> "${GITHUB_STEP_SUMMARY:-/dev/stdout}"
