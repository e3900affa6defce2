"""The synthesised stages, made once: Node takes half a minute for it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

INFRA = Path(__file__).resolve().parents[2] / "infra"


@dataclass(frozen=True)
class Synthesised:
    """What the CDK wrote: raw and normalised templates by `STAGE/STACK`, and cdk-nag's report."""

    raw: dict[str, dict[str, Any]]
    templates: dict[str, dict[str, Any]]
    report: dict[str, Any]


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    pytest.importorskip("aws_cdk", reason="make test-infra runs these in a venv of their own")
    os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "1"
    from aws_cdk import Validations
    from cdk_nag import AwsSolutionsChecks

    from timonel_infra.app import build
    from timonel_infra.golden import read_templates

    out = tmp_path_factory.mktemp("assembly")
    app = build(outdir=str(out))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):  # accepted.yaml is compared later
        app.synth()
    report = json.loads((out / "validation-report.json").read_text())
    return Synthesised(read_templates(out, raw=True), read_templates(out), report)
