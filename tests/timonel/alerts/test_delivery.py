"""The example configurations: who is told, and what is kept from them."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from prometheus_tools import ROOT, alertmanager, check, until
from timonel.alerts import all_groups
from timonel.config import load_config

MONITORING = ROOT / "manifests/monitoring"
CONFIG = MONITORING / "alertmanager.yaml"


def test_prometheus_accepts_its_configuration() -> None:
    """With the rules that it names."""
    assert "SUCCESS" in check("promtool", "check", "config", MONITORING / "prometheus.yaml")


def test_alertmanager_accepts_its_configuration() -> None:
    """As amtool reads it."""
    assert "SUCCESS" in check("amtool", "check-config", CONFIG)


@pytest.mark.parametrize(
    ("receiver", "labels"),
    [
        ("on-call", ("alertname=TimonelNoData", "severity=page")),
        ("tickets", ("alertname=TimonelDriftOpen", "severity=ticket")),
        ("dead-mans-switch", ("alertname=TimonelWatchdog", "severity=none")),
        ("tickets", ("alertname=SomethingElse",)),
    ],
)
def test_each_severity_has_its_receiver(receiver: str, labels: tuple[str, ...]) -> None:
    """A page goes to whoever is on call, the watchdog to no person."""
    where = check("amtool", "config", "routes", "test", f"--config.file={CONFIG}", *labels)
    assert where.strip() == receiver


def test_every_name_in_the_configuration_is_an_alert() -> None:
    """An alert that is renamed would be inhibited no longer."""
    groups = all_groups(load_config(ROOT / "examples/fraud/timonel.yaml"))
    names = {alert.name for group in groups for alert in group.alerts}
    text = CONFIG.read_text()
    said = {word for word in text.replace('"', "|").split("|") if word.startswith("Timonel")}
    exact = {word for word in said if "." not in word}
    assert exact
    assert exact - names == set()
    prefixes = {word.removesuffix(".+") for word in said - exact}
    assert [p for p in prefixes if not any(name.startswith(p) for name in names)] == []


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A real Alertmanager with the example's rules; it tells nobody."""
    folder = tmp_path_factory.mktemp("alertmanager")
    settings = yaml.safe_load(CONFIG.read_text())
    settings["receivers"] = [{"name": one["name"]} for one in settings["receivers"]]
    path: Path = folder / "alertmanager.yaml"
    path.write_text(yaml.safe_dump(settings))
    with alertmanager(folder, path) as client:
        yield client


def test_what_rests_on_a_dead_monitor_is_inhibited(manager: httpx.Client) -> None:
    """Of this model alone; never the dead monitor itself, nor the watchdog."""
    _raise(manager, "TimonelMonitorDead", "page", "fraud")
    _raise(manager, "TimonelWatchdog", "none", "fraud")
    _raise(manager, "TimonelErrorBudgetBurn", "page", "fraud")
    _raise(manager, "TimonelErrorBudgetBurn", "page", "spam")
    _raise(manager, "TimonelErrorBudgetBurn", "ticket", "spam")
    _raise(manager, "TimonelNoData", "page", "sleepy")
    _raise(manager, "TimonelLabelsMissing", "ticket", "sleepy")
    _raise(manager, "TimonelPerformanceLow", "ticket", "sleepy")
    expected = {
        ("TimonelErrorBudgetBurn", "page", "fraud"),
        ("TimonelErrorBudgetBurn", "ticket", "spam"),
        ("TimonelLabelsMissing", "ticket", "sleepy"),
    }
    until(lambda: _inhibited(manager) == expected, 10, lambda: _inhibited(manager))


def _raise(manager: httpx.Client, name: str, severity: str, model: str) -> None:
    labels = {"alertname": name, "severity": severity, "model": model}
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    answer = manager.post("/api/v2/alerts", json=[{"labels": labels, "endsAt": ends}])
    assert answer.status_code == 200, answer.text


def _inhibited(manager: httpx.Client) -> set[tuple[Any, ...]]:
    found = manager.get("/api/v2/alerts", params={"unprocessed": "true"}).json()
    return {
        tuple(one["labels"][name] for name in ("alertname", "severity", "model"))
        for one in found
        if one["status"]["inhibitedBy"]
    }
