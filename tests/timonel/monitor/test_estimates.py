"""Performance without labels in the monitor: what it says, when it is distrusted, and what its gap shows."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from timonel import ModelMonitor, MonitorConfig, Reference
from timonel.anomalies import Anomaly, Phase
from timonel.faults import Healthy, Incident, SuddenConceptChange
from timonel.performance.estimate import CBPE, Estimate
from timonel.performance.value import State
from timonel.reference import Classes

DAY = timedelta(days=1)
TRAFFIC = Healthy(rows=120_000, days=24, numeric=3)
CUT = TRAFFIC.start + 10 * DAY
"""The reference is what came before."""
ONSET = CUT + 7 * DAY
FEATURES = (*TRAFFIC.numeric_features, "channel", "country")
ESTIMATED = {"accuracy", "precision", "recall", "f1", "roc_auc"}
Log = tuple[Reference, pa.Table]


@cache
def drawn(seed: int, incident: Incident | None = None) -> Log:
    """A labelled reference, and the two weeks after it of the same traffic."""
    rng = np.random.default_rng(seed)
    table = TRAFFIC.table(rng)
    table = table if incident is None else incident.apply(table, rng).table
    before = pc.less(table["event_time"], pa.scalar(CUT, pa.timestamp("us", "UTC")))
    early = table.filter(before).select([*FEATURES, "prediction", "score", "label"])
    reference = Reference.fit(
        early, predictions="prediction", scores="score", labels="label", features=FEATURES
    )
    return reference, table.filter(pc.invert(before))


def between(table: pa.Table, column: str, start: datetime, end: datetime) -> pa.Table:
    """The rows whose time lies in [start, end)."""
    at, kind = table[column], table[column].type
    return table.filter(
        pc.and_(
            pc.greater_equal(at, pa.scalar(start, kind)),
            pc.less(at, pa.scalar(end, kind)),
        )
    )


def played(monitor: ModelMonitor, log: pa.Table) -> Iterator[tuple[datetime, Anomaly]]:
    """The log as it happened, half a day at a time: what was told, and when."""
    outcomes = ("label", "label_event_time", "label_arrival_time")
    rows = log.drop_columns([*outcomes, "arrival_time", "model"])
    for step in range(28):
        start, end = CUT + step * DAY / 2, CUT + (step + 1) * DAY / 2
        part = between(rows, "event_time", start, end)
        monitor.track_batch(part.rename_columns({"event_time": "timestamp"}))
        come = between(log, "label_arrival_time", start, end)
        monitor.track_labels(come.select(["prediction_id", "label", "label_arrival_time"]))
        yield from ((end, anomaly) for anomaly in monitor.detect_anomalies())


def monitored(log: Log, config: MonitorConfig | None = None, labels: bool = True) -> ModelMonitor:
    """All of the log at once, its labels known at once."""
    reference, table = log
    columns = ["event_time", "score", "prediction", *(["label"] if labels else [])]
    monitor = ModelMonitor(reference, config)
    frame = table.select(columns).rename_columns(
        ["timestamp", "score", "prediction", *(["actual"] if labels else [])]
    )
    monitor.track_batch(frame)
    return monitor


def test_estimates_without_labels() -> None:
    """Those of CBPE on the same rows within .005, as estimates that carry their assumption."""
    reference, table = drawn(1)
    metrics = monitored((reference, table), labels=False).calculate_metrics("7d")
    week = between(table, "event_time", metrics.start, metrics.end)
    sample = reference.sample
    cbpe = CBPE().fit(*(sample[c].to_numpy() for c in ("label", "score", "prediction")))
    exact = cbpe.estimate(week["score"].to_numpy(), week["prediction"].to_numpy())
    exact["roc_auc"] = exact.pop("auc")
    assert metrics.accuracy.state is State.NO_DATA
    for name in ESTIMATED:
        found = metrics[f"estimated_{name}"]
        assert isinstance(found, Estimate)
        assert float(found) == pytest.approx(float(exact[name]), abs=0.005)
        assert found.n == metrics.n == week.num_rows
        saved = metrics.to_dict()["metrics"][f"estimated_{name}"]
        assert (saved["trusted"], "no concept drift" in saved["assumption"]) == (True, True)
        assert metrics[f"{name}_gap"].state is State.NO_DATA


def test_the_gap_is_realised_less_estimated_on_the_same_rows() -> None:
    """With all labels known the gap is the difference of the figures, and small for its interval."""
    metrics = monitored(drawn(1)).calculate_metrics("7d")
    for name in ESTIMATED:
        gap = metrics[f"{name}_gap"]
        assert float(gap) == pytest.approx(metrics[name].value - metrics[f"estimated_{name}"].value)
        assert abs(float(gap)) < gap.upper - gap.lower


def test_what_is_not_estimated() -> None:
    """Neither a slice, nor without labels in the reference, nor after a learnt reference."""
    reference, table = drawn(1)
    config = MonitorConfig(slices=("version",), classes=Classes(("0", "1")).names)
    sliced = monitored((reference, table), config).calculate_metrics("1d", slice=("version", "1"))
    unlabelled = Reference.fit(table.select(FEATURES), features=FEATURES)
    bare = monitored((unlabelled, table), config).calculate_metrics("1d")
    for metrics in (sliced, bare):
        assert not [name for name in metrics if "estimated" in name or name.endswith("_gap")]


def test_suppressed_labels_have_no_gap() -> None:
    """Where positives are blocked, estimates speak of all rows, and no gap is told."""
    config = MonitorConfig(suppressed="positive")
    metrics = monitored(drawn(1), config).calculate_metrics("7d")
    assert metrics.estimated_accuracy.ok
    assert "accuracy_gap" not in metrics


def test_rows_without_a_score_are_said() -> None:
    """Estimates leave them out and count them; without a score on each labelled row there is no gap."""
    reference, table = drawn(1)
    score = table["score"].to_numpy().copy()
    score[::10] = np.nan
    place = table.schema.get_field_index("score")
    metrics = monitored(
        (reference, table.set_column(place, "score", pa.array(score)))
    ).calculate_metrics("7d")
    found = metrics["estimated_accuracy"]
    assert isinstance(found, Estimate)
    assert found.n + found.n_ignored == metrics.n
    assert found.n_ignored == pytest.approx(metrics.n / 10, rel=0.01)
    assert metrics.accuracy_gap.state is State.UNDEFINED


@pytest.mark.parametrize("seed", [1, 3])
def test_healthy_traffic_has_no_gap(seed: int) -> None:
    """Two weeks as they happened, labels a day late: no gap alarms, and the estimates stay trusted."""
    reference, log = drawn(seed)
    monitor = ModelMonitor(reference)
    assert not [a for _, a in played(monitor, log) if a.what.endswith("_gap")]
    assert monitor.calculate_metrics("1d")["estimated_accuracy"].to_dict()["trusted"]


def test_a_concept_change_shows_on_the_first_mature_day() -> None:
    """The gap opens within the change's first day, once its labels have come, and trust is lost."""
    reference, log = drawn(1, SuddenConceptChange(columns=("amount",), onset=ONSET))
    monitor = ModelMonitor(reference)
    found = [(at, a) for at, a in played(monitor, log) if a.what == "accuracy_gap"]
    told, first = found[0]
    assert first.phase is Phase.OPEN
    assert ONSET - timedelta(hours=6) <= first.since < ONSET + DAY
    assert told <= ONSET + 5 * DAY
    assert first.baseline is not None
    assert first.baseline[0] < 0 < first.baseline[1]
    estimate = monitor.calculate_metrics("1d")["estimated_accuracy"].to_dict()
    assert not estimate["trusted"]
    assert "contradicted by matured labels" in str(estimate["assumption"])


def test_the_report_draws_the_estimate() -> None:
    """A dashed line beside the realised one, with its assumption; and the share predicted positive."""
    monitor = monitored(drawn(1))
    charts = {chart.metric: chart for chart in monitor.view().performance}
    realised, guessed = charts["accuracy"].lines
    assert (realised.name, guessed.name) == ("realised", "estimated")
    assert "no concept drift" in guessed.assumption
    assert all(point.value.ok for point in charts["alert_rate"].lines[0].points)
    page = monitor.report()
    assert "estimated (assumes that the probability" in page
