"""What cdk-nag, checkov and cfn-lint find in the templates is accepted by name and reason, or mended."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

INFRA = Path(__file__).resolve().parents[2] / "infra"
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Finding:
    rule: str
    where: str
    what: str


@pytest.fixture(scope="module")
def findings(synthesised: Any) -> list[Finding]:
    return [*_nag(synthesised.report), *_checkov(), *_cfn_lint()]


def _nag(report: dict[str, Any]) -> Iterator[Finding]:
    for plugin in report["pluginReports"]:
        for violation in plugin["violations"]:
            rule, _, what = violation["ruleName"].partition("[")
            for at in violation["violatingConstructs"]:
                yield Finding(rule, at["constructPath"], what.removesuffix("]"))


def _checkov() -> Iterator[Finding]:
    run = [str(BIN / "checkov"), "-d", str(INFRA / "goldens"), "--framework", "cloudformation"]
    done = subprocess.run([*run, "-o", "json"], capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert report["summary"]["resource_count"] > 100
    for failed in report["results"]["failed_checks"]:
        where = failed["file_path"].strip("/").removesuffix(".json")
        yield Finding(failed["check_id"], where, failed["resource"].rpartition(".")[2])


def _cfn_lint() -> Iterator[Finding]:
    files = sorted(str(file) for file in (INFRA / "goldens").glob("*/*.json"))
    run = [str(BIN / "cfn-lint"), "--format", "json", *files]
    done = subprocess.run(run, capture_output=True, text=True)
    for match in json.loads(done.stdout):
        where = "/".join(Path(match["Filename"]).with_suffix("").parts[-2:])
        yield Finding(match["Rule"]["Id"], where, match["Message"])


def _accepts(entry: dict[str, str], finding: Finding) -> bool:
    return (
        entry["rule"] == finding.rule
        and re.fullmatch(entry["where"], finding.where) is not None
        and re.fullmatch(entry.get("what", ".*"), finding.what) is not None
    )


def _accepted() -> list[dict[str, str]]:
    return yaml.safe_load((INFRA / "accepted.yaml").read_text())


def test_every_finding_is_accepted_with_a_reason(findings: list[Finding]) -> None:
    """A finding of the three tools that nobody has accepted fails, and names the place."""
    open_ones = [one for one in findings if not any(_accepts(a, one) for a in _accepted())]
    assert open_ones == []


def test_every_acceptance_is_needed_and_says_why(findings: list[Finding]) -> None:
    """An acceptance goes when what it accepted has gone."""
    idle = [a for a in _accepted() if not any(_accepts(a, one) for one in findings)]
    assert idle == []
    assert all(len(a["why"]) > 30 for a in _accepted())
