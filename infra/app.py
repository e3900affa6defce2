"""The CDK's entry: all stages in `stages/`."""

from __future__ import annotations

from timonel_infra.app import build

if __name__ == "__main__":
    build().synth()
