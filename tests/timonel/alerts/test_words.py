"""What a person reads: the words of each alert with its value, as Prometheus fills them in."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from alert_cases import BURNS, Series, beating, labels_behind, level, performing, traffic
from prometheus_tools import ROOT, check
from timonel.alerts import all_groups, render
from timonel.config import load_config

WORSE = performing("recall", "upper", 0.8, "lower", 0.9)
WASTE = performing("brier", "lower", 0.2, "upper", 0.1)
GAP = level("timonel_metric_upper", 'metric="auc_gap",version="",window="1d"', -0.125)
UNLABELLED = level("timonel_newest_event_timestamp_seconds", "", 1_767_225_600)
TEXTS: dict[str, tuple[Series, str, dict[str, str], str]] = {
    "TimonelPerformanceLow": (
        WORSE,
        "1h",
        {"metric": "recall", "worse": "below"},
        "recall of the last day is at most 0.8 (95 % interval), below its healthy band, from 0.9.",
    ),
    "TimonelPerformanceLow ": (
        WASTE,
        "1h",
        {"metric": "brier", "worse": "above"},
        "brier of the last day is at least 0.2 (95 % interval), above its healthy band, up to 0.1.",
    ),
    "TimonelPerformanceGap": (
        GAP,
        "1h",
        {"metric": "auc_gap"},
        "auc_gap, realised less estimated on the same rows of the last day, is at most -0.125 (95 % interval)"
        "; -0.05 is tolerated. What the inputs say of the outcome has changed.",
    ),
    "TimonelDriftOpen": (
        level("timonel_drift_episodes_open", 'severity="page"', 2),
        "5m",
        {"severity": "page"},
        "2 feature(s) have been away from the reference for longer than 5m, at severity page.",
    ),
    "TimonelAnomalyOpen": (
        level("timonel_anomalies_open", 'severity="ticket"', 3),
        "1h",
        {},
        "3 anomalies have been open for longer than 1h, at severity ticket.",
    ),
    "TimonelLabelsMissing": (
        labels_behind(864_000),
        "1h",
        {"labels": "stopped"},
        "The newest label arrived 10d 0h 0m 0s before the newest prediction; 1d without labels is tolerated.",
    ),
    "TimonelLabelsMissing ": (
        UNLABELLED,
        "192h",
        {"labels": "never"},
        "No label has ever come; the first was expected within 8d, the newest prediction is of"
        " 2026-01-01 00:00:00 +0000 UTC.",
    ),
    "TimonelLabelsImmature": (
        level("timonel_labels_mature_share", "", 0.25) | labels_behind(0),
        "1h",
        {},
        "25% of the predictions old enough have their label; 50 % is expected."
        " Performance is told from the few.",
    ),
    "TimonelDetectorStale": (
        level("timonel_detector_up", 'detector="pod-1"', 0),
        "5m",
        {"detector": "pod-1"},
        "The monitor has not heard of detector pod-1 for longer than it should: what this pod serves is not"
        " watched.",
    ),
    "TimonelDetectorName": (
        level("timonel_detector_contested", 'detector="pod-1"', 1),
        "5m",
        {"detector": "pod-1"},
        "Two detectors are named pod-1: what the second one sends is refused, and is not watched.",
    ),
    "TimonelDetectorLag": (
        level("timonel_detector_lag_seconds", 'detector="pod-1"', 1800),
        "5m",
        {"detector": "pod-1"},
        "The newest event of detector pod-1 is 30m 0s behind the newest of all; 15m is tolerated.",
    ),
    "TimonelMonitorDead": (
        {},
        "5m",
        {"severity": "page", "monitor": "gone"},
        "Prometheus has had no series of the monitor of fraud for 5m: it does not run, or is not scraped.",
    ),
    "TimonelMonitorDead ": (
        beating("host", 0, ("fraud",)),
        "10m",
        {"severity": "page", "monitor": "hung", "job": "monitor", "instance": "host"},
        "The monitor answers, but its last round of judging ended 10m 0s ago; 5m is tolerated.",
    ),
    "TimonelNoData": (
        level("timonel_model_state", 'state="stale"', 1),
        "15m",
        {"severity": "page", "state": "stale"},
        "The monitor has held the state stale for 15m: no predictions reach it. Whether the model serves well"
        " is unknown.",
    ),
    "TimonelWatchdog": (
        {},
        "0m",
        {"severity": "none"},
        "This alert always fires (value 1). Whoever receives it must raise the alarm when it stops: then"
        " Prometheus or Alertmanager is down and no other alert comes.",
    ),
}
WORDS = {
    "TimonelErrorBudgetBurn": ("failed or timed out", "0.1 %"),
    "TimonelNullBudgetBurn": ("were answered without a prediction", "0.5 %"),
    "TimonelLatencyBudgetBurn": ("took longer than 100 ms", "1 %"),
    "TimonelViolationBudgetBurn": ("broke the data contract", "1 %"),
}


@pytest.fixture(scope="module")
def document() -> Any:
    """The rendered rules of the flagship."""
    config = load_config(ROOT / "examples/fraud/timonel.yaml")
    return yaml.safe_load(render(config, all_groups(config)))


@pytest.mark.parametrize("alert", TEXTS)
def test_an_alert_reads_as_it_should(alert: str, document: Any, tmp_path: Path) -> None:
    """The value, what was expected, and where to go on."""
    series, at, labels, text = TEXTS[alert]
    expected = [_alert(document, alert.strip(), {"severity": "ticket", **labels}, text)]
    _promtool(document, tmp_path, alert.strip(), series, at, expected)


@pytest.mark.parametrize("alert", WORDS)
def test_a_budget_reads_as_it_should(alert: str, document: Any, tmp_path: Path) -> None:
    """Half of all predictions are bad: all four windows say so, each with its pace."""
    words, budget = WORDS[alert]
    lasts = {"1h": 2, "6h": 5, "1d": 10, "3d": 30}
    short = {"1h": "5m", "6h": "30m", "1d": "2h", "3d": "6h"}
    expected = [
        _alert(
            document,
            alert,
            {"severity": severity, "long": long, "short": short[long]},
            f"50% of the predictions of the last {long} {words}; {budget} may over 30 days. At {factor:g}"
            f" times that pace, where this alert begins, the month's budget lasts {lasts[long]} days.",
        )
        for long, severity, factor, *_ in BURNS
    ]
    _promtool(document, tmp_path, alert, traffic(alert, 0.5, 60), "60m", expected)


def _alert(document: Any, name: str, labels: dict[str, str], text: str) -> dict[str, Any]:
    """What promtool expects; summary and addresses hold no value and are the rule's own."""
    rules = [rule for group in document["groups"] for rule in group["rules"]]
    notes = next(rule["annotations"] for rule in rules if rule.get("alert") == name)
    return {
        "exp_labels": {"model": "fraud", **labels},
        "exp_annotations": notes | {"description": text},
    }


def _promtool(
    document: Any, folder: Path, alert: str, series: Series, at: str, expected: list[dict[str, Any]]
) -> None:
    mine = [g for g in document["groups"] if any(r.get("alert") == alert for r in g["rules"])]
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": mine}))
    step = "1h" if at == "192h" else "1m"
    test = {
        "interval": step,
        "input_series": [{"series": s, "values": v} for s, v in series.items()],
        "alert_rule_test": [{"alertname": alert, "eval_time": at, "exp_alerts": expected}],
    }
    tests = {"rule_files": ["rules.yaml"], "evaluation_interval": step, "tests": [test]}
    (folder / "test.yaml").write_text(yaml.safe_dump(tests))
    check("promtool", "test", "rules", folder / "test.yaml")
