"""The alerts fire at their thresholds and not below, as promtool evaluates what is rendered."""

import re
from pathlib import Path

import pytest
import yaml

from alert_cases import Case, cases
from prometheus_tools import ROOT, check
from timonel.alerts import Alert, all_groups, render
from timonel.config import Config, load_config
from timonel.terms import AlertFormat

CASES = tuple(cases())
NAMES = tuple(dict.fromkeys(case.alert for case in CASES))


@pytest.fixture(scope="module")
def config() -> Config:
    """The flagship's settings: all thresholds are the defaults."""
    return load_config(ROOT / "examples/fraud/timonel.yaml")


@pytest.fixture(scope="module")
def rules(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rule file."""
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(render(config, all_groups(config)))
    return path


def test_prometheus_accepts_the_rules(rules: Path) -> None:
    """Every expression parses, every template is whole."""
    assert "SUCCESS: 61 rules found" in check("promtool", "check", "rules", rules)


@pytest.mark.parametrize("alert", NAMES)
def test_an_alert_fires_at_its_threshold_and_not_below(
    alert: str, config: Config, tmp_path: Path
) -> None:
    """By value, by duration, by window, for this model alone."""
    rules, mine = tmp_path / "rules.yaml", [case for case in CASES if case.alert == alert]
    # only the groups that it is in: the others would be evaluated at every step, too
    groups = [g for g in all_groups(config) if any(a.name == alert for a in g.alerts)]
    rules.write_text(render(config, groups))
    for step in dict.fromkeys(case.step for case in mine):
        document = {
            "rule_files": [str(rules)],
            "evaluation_interval": step,
            "tests": [case.document for case in mine if case.step == step],
        }
        path = tmp_path / f"{step}.yaml"
        path.write_text(yaml.safe_dump(document))
        check("promtool", "test", "rules", path)


def test_every_rule_is_tested_on_both_sides(config: Config) -> None:
    """No rule is added without its two cases; the watchdog alone has no other side."""
    alerts = [alert for group in all_groups(config) for alert in group.alerts]
    for fires in (True, False):
        without = [a for a in alerts if not any(_covers(c, a) for c in CASES if c.fires is fires)]
        assert [a.name for a in without] == ([] if fires else ["TimonelWatchdog"])


def _covers(case: Case, alert: Alert) -> bool:
    """Whether the case chooses the rule by labels that the rule sets, or by those of its series."""
    asked = dict(re.findall(r'(\w+)="([^"]*)"', case.variant))
    own = {"severity": alert.urgency.value, **alert.labels}
    return case.alert == alert.name and all(own.get(k, v) == v for k, v in asked.items())


def test_the_operator_gets_the_same_rules(config: Config) -> None:
    """A PrometheusRule holds what the rule file holds."""
    groups = all_groups(config)
    plain = yaml.safe_load(render(config, groups))
    wrapped = yaml.safe_load(render(config, groups, AlertFormat.OPERATOR))
    assert wrapped["spec"] == plain
    assert (wrapped["apiVersion"], wrapped["kind"]) == (
        "monitoring.coreos.com/v1",
        "PrometheusRule",
    )
    assert wrapped["metadata"]["name"] == "timonel-fraud"


def test_every_alert_says_what_where_and_what_to_do(config: Config) -> None:
    """Words with the value, a runbook that is there, the model's page."""
    document = yaml.safe_load(render(config, all_groups(config)))
    rules = [rule for group in document["groups"] for rule in group["rules"] if "alert" in rule]
    for rule in rules:
        notes = rule["annotations"]
        assert set(notes) == {"summary", "description", "runbook_url", "dashboard_url"}
        assert notes["summary"].startswith("fraud: ")
        assert (ROOT / notes["runbook_url"]).is_file(), notes["runbook_url"]
        assert notes["dashboard_url"].endswith("/fraud")
        assert (
            rule["labels"]["severity"] in ("page", "ticket") or rule["alert"] == "TimonelWatchdog"
        )


def test_every_runbook_has_its_alert(config: Config) -> None:
    """No page is left behind when an alert goes, and the index lists all."""
    alerts = {alert.page for group in all_groups(config) for alert in group.alerts}
    folder = ROOT / "docs/runbooks"
    assert {page.stem for page in folder.glob("*.md")} - {"index"} == alerts
    index = (folder / "index.md").read_text()
    assert [page for page in sorted(alerts) if f"({page}.md)" not in index] == []


def test_settings_move_the_thresholds(config: Config) -> None:
    """What timonel.yaml says is what Prometheus compares with."""
    own = {"error_budget": 0.02, "labels": False, "no_data_for": "12h"}
    told = config.model_dump() | {"monitoring": {"alerts": own}}
    text = render(changed := Config.model_validate(told), all_groups(changed))
    assert 'timonel:errors:ratio_rate1h{model="fraud"} >= 0.288' in text
    assert "TimonelLabels" not in text
    assert "for: 12h" in text
