"""Error rates of the watch on simulated traffic; `benchmarks/anomalies.py` is the long version."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from readings import failing, readings
from timonel.anomalies import Anomaly, Phase, Severity, Watch
from timonel.faults import (
    Healthy,
    Incident,
    LabelDelay,
    NullPredictions,
    SeasonalChange,
    SlowDependency,
    SuddenConceptChange,
)

TRAFFIC = Healthy(rows=180_000, days=30, numeric=3)
ONSET = TRAFFIC.start + timedelta(days=21, hours=9)
END = ONSET + timedelta(hours=6)
HOUR = timedelta(hours=1)
QUALITY = {"accuracy", "accuracy_gap"}


def told(table: pa.Table) -> list[tuple[datetime, Anomaly]]:
    """When the watch said what."""
    watch = Watch()
    return [
        (batch[0].end, anomaly)
        for batch in readings(table, HOUR)
        for anomaly in watch.update(batch)
    ]


def drawn(seed: int, incident: Incident | None = None) -> pa.Table:
    """A healthy month, with an incident."""
    table = TRAFFIC.table(np.random.default_rng(seed))
    return incident.apply(table, np.random.default_rng(seed)).table if incident else table


def opened(found: list[tuple[datetime, Anomaly]]) -> list[str]:
    """What opened."""
    return [anomaly.what for _, anomaly in found if anomaly.phase is Phase.OPEN]


def test_healthy_traffic_keeps_the_budget_of_false_alarms() -> None:
    """Six months at a budget of 1 a month: with 6 expected, 11 would be seen in 4 % of the runs."""
    assert sum(len(opened(told(drawn(seed)))) for seed in range(6)) <= 10


@pytest.mark.parametrize(
    ("incident", "metric", "severity"),
    [
        (NullPredictions(onset=ONSET, end=END, rate=0.05), "null_rate", Severity.PAGE),
        (SlowDependency(onset=ONSET, end=END, increase=0.4), "p50_latency_ms", Severity.TICKET),
        (None, "error_rate", Severity.PAGE),
    ],
)
def test_an_incident_of_the_service_is_found_in_its_first_hour(
    incident: Incident | None, metric: str, severity: Severity
) -> None:
    """Opened after one window, with the right severity, and cleared two windows after its end."""
    table = drawn(1, incident) if incident else failing(drawn(1), ONSET, END, 0.03)
    found = [(at, a) for at, a in told(table) if a.what == metric]
    assert [(at, a.phase) for at, a in found] == [
        (ONSET + HOUR, Phase.OPEN),
        (END + 2 * HOUR, Phase.CLEARED),
    ]
    assert {a.severity for _, a in found} == {severity}
    assert found[0][1].since == ONSET


def test_a_concept_change_pages_once_labels_have_matured() -> None:
    """Not before: until then there is nothing to see."""
    found = told(drawn(2, SuddenConceptChange(columns=("amount",), onset=ONSET)))
    seen = [(at, a) for at, a in found if a.what in QUALITY and at > ONSET]
    first, anomaly = seen[0]
    assert max(a.severity for _, a in seen) is Severity.PAGE
    assert timedelta(days=5) <= first - ONSET <= timedelta(days=8)
    assert ONSET - timedelta(days=1) <= anomaly.since <= ONSET + timedelta(days=2)


def test_labels_that_are_late_do_not_alarm() -> None:
    """Immature quality is no quality, neither good nor bad."""
    found = told(drawn(3, LabelDelay(onset=ONSET, factor=10.0)))
    assert not [a for at, a in found if at > ONSET and a.what in QUALITY]


def test_a_benign_season_does_not_alarm() -> None:
    """Other customers, the same rule: nothing opens that does not open without the season."""
    season = SeasonalChange(columns=("f2",), onset=TRAFFIC.start + timedelta(days=15))
    assert set(opened(told(drawn(4, season)))) <= set(opened(told(drawn(4))))
