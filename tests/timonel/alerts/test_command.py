"""`timonel alerts` as a person calls it."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from prometheus_tools import ROOT
from timonel.cli.main import build
from timonel.config import load_config
from timonel.errors import BadInput

EXAMPLE = ROOT / "examples/fraud/timonel.yaml"


def _alerts(*arguments: str | Path) -> Result:
    return CliRunner().invoke(build(), ["alerts", *map(str, arguments)])


@pytest.mark.parametrize("form", ["rules", "operator"])
def test_what_is_printed_is_what_is_written(form: str, tmp_path: Path) -> None:
    """To the screen for a pipe, or into a directory that is made, its path told."""
    printed = _alerts("render", "-c", EXAMPLE, "--format", form)
    written = _alerts("render", "-c", EXAMPLE, "--format", form, "--out", tmp_path / "new")
    assert Path(written.output.strip()).read_text() == printed.output


def test_the_committed_rules_are_the_rendered_ones() -> None:
    """Both forms."""
    for form, end in (("rules", "rules"), ("operator", "prometheusrule")):
        committed = ROOT / f"manifests/monitoring/timonel-fraud.{end}.yaml"
        assert _alerts("render", "-c", EXAMPLE, "--format", form).output == committed.read_text()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    """One line, no traceback."""
    (tmp_path / "file").write_text("")
    done = _alerts("render", "-c", EXAMPLE, "--out", tmp_path / "file")
    assert isinstance(done.exception, BadInput)
    assert "file: cannot be written to" in str(done.exception)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("alerts: {error_budget: 0.2}", "monitoring.alerts.error_budget"),
        ("alerts: {latency_objective: 1}", "monitoring.alerts.latency_objective"),
        ("alerts: {page_for: soon}", "monitoring.alerts.page_for"),
        ("alerts: {heartbeat: 15s}", "it would always fire"),
        ("alerts: {eror_budget: 0.01}", "eror_budget"),
    ],
)
def test_a_threshold_that_makes_no_sense_is_refused(
    settings: str, said: str, tmp_path: Path
) -> None:
    """Before a rule is written that can never fire, or always does."""
    path = tmp_path / "timonel.yaml"
    path.write_text(EXAMPLE.read_text() + f"monitoring: {{{settings}}}\n")
    with pytest.raises(BadInput, match=said):
        load_config(path)


def test_a_name_with_a_brace_stays_text(tmp_path: Path) -> None:
    """An address that holds Prometheus' own braces, or quotes, is YAML still."""
    path = tmp_path / "timonel.yaml"
    odd = "https://x.example/{page}?q='a: {}'#\\u00e9"
    path.write_text(
        EXAMPLE.read_text() + yaml.safe_dump({"monitoring": {"alerts": {"runbook_url": odd}}})
    )
    rules = yaml.safe_load(_alerts("render", "-c", path).output)["groups"][0]["rules"]
    assert rules[0]["annotations"]["runbook_url"] == odd.replace("{page}", "performance-low")
