"""A monitor that was saved and restored goes on exactly as the one that never stopped."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from timonel import ModelMonitor, MonitorConfig, Reference
from timonel.errors import BadInput, Corrupt
from timonel.terms import Task

FIRST = 1_767_571_200_000_000
HOUR, DAY = 3_600_000_000, 86_400_000_000


def log(n: int = 4000, days: float = 4.0, seed: int = 0, first: int = FIRST) -> pa.Table:
    """A log whose latency, null rate and feature x change in its last third, one feature gone for a while."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(first, first + round(days * DAY), n))
    late = times > first + days * DAY * 2 / 3
    x = rng.normal(size=n) + 2 * late
    score = 1 / (1 + np.exp(-1.5 * rng.normal(size=n)))
    gone = (times > first + days * DAY * 0.7) & (times < first + days * DAY * 0.8)
    return pa.table(
        {
            "prediction_id": [f"p{i}" for i in range(n)],
            "timestamp": times,
            "prediction": pa.array(
                (score >= 0.5).astype(np.int64), mask=late & (rng.random(n) < 0.1)
            ),
            "score": score,
            "latency_ms": np.round(rng.lognormal(2.5, 0.4, n) * (1 + late), 3),
            "version": rng.choice(["1", "2"], n, p=[0.8, 0.2]),
            "status": rng.choice([200, 500], n, p=[0.98, 0.02]),
            "x": x,
            "y": pa.array(rng.normal(size=n), mask=gone),
            "country": rng.choice(["ES", "FR", "PT"], n),
        }
    )


def labels(table: pa.Table, seed: int = 3) -> pa.Table:
    """Of most of its predictions, hours later; in the order of arrival."""
    rng = np.random.default_rng(seed)
    n = len(table)
    arrived = table["timestamp"].to_numpy() + rng.exponential(6 * HOUR, n).astype(np.int64)
    actual = (rng.random(n) < table["score"].to_numpy()).astype(np.int64)
    order = np.argsort(arrived)[: n * 9 // 10]
    found = {"prediction_id": table["prediction_id"], "actual": actual, "arrived_at": arrived}
    return pa.table(found).take(pa.array(order))


def reference() -> Reference:
    table = log(3000, seed=9, days=1).slice(0, 1900)
    actual = (np.random.default_rng(1).random(1900) < table["score"].to_numpy()).astype(np.int64)
    return Reference.fit(
        table.select(["x", "y", "country"]),
        predictions=table["prediction"],
        scores=table["score"],
        labels=actual,
    )


REFERENCE = reference()
SETTINGS = MonitorConfig(slices=("country",), false_alarms_per_month=4, window=timedelta(hours=1))


def play(monitor: ModelMonitor, table: pa.Table, outcomes: pa.Table, start: int, end: int) -> None:
    """Rows and labels of [start, end) in the order of time, by the quarter of a day; judged as they come."""
    for at in range(start, end, DAY // 4):
        until = min(at + DAY // 4, end)
        monitor.track_batch(_between(table, "timestamp", at, until))
        monitor.track_labels(_between(outcomes, "arrived_at", at, until))
        monitor.detect_anomalies()


def _between(table: pa.Table, column: str, start: int, end: int) -> pa.Table:
    times = table[column].to_numpy()
    return table.filter(pa.array((times >= start) & (times < end)))


def told(monitor: ModelMonitor) -> list[Any]:
    """All that a monitor says."""
    asked: list[dict[str, Any]] = [{}, {"version": "2"}]
    asked += [{"slice": (column, "FR")} for column in monitor.config.slices]
    found: list[Any] = [monitor.calculate_metrics("7d", **one).to_dict() for one in asked]
    found += [a.to_dict() for a in monitor.detect_anomalies()]
    return [*found, monitor.label_counts, monitor.learning, monitor.report()]


def restored(monitor: ModelMonitor) -> ModelMonitor:
    """From a copy of its bytes."""
    return ModelMonitor.restore(bytes(monitor.save()))


@pytest.mark.parametrize(
    ("known", "hours"),
    [(True, 0.2), (True, 71), (False, 0.2), (False, 5), (False, 71)],
)
def test_a_restored_monitor_goes_on_exactly(known: bool, hours: float) -> None:
    """Cut at any time: in the opening, while it learns, in open episodes, with labels still to come."""
    table = log()
    outcomes, cut = labels(table), FIRST + round(hours * HOUR)
    monitor = ModelMonitor(REFERENCE if known else None, SETTINGS)
    play(monitor, table, outcomes, FIRST, cut)
    other = restored(monitor)
    assert told(other) == told(monitor)
    for one in (monitor, other):
        play(one, table, outcomes, cut, FIRST + 5 * DAY)
    assert told(other) == told(monitor)
    assert monitor.detect_anomalies(), "the log has incidents to tell"


def test_seasons_and_trust_are_restored() -> None:
    """After four weeks, with seasons learnt and estimates that labels have contradicted."""
    table = log(9000, days=33)
    wrong = labels(table).to_pydict()
    wrong["actual"] = [1 - value for value in wrong["actual"]]
    config = MonitorConfig(window=timedelta(hours=6))
    monitor = ModelMonitor(REFERENCE, config)
    play(monitor, table, pa.table(wrong), FIRST, FIRST + 31 * DAY)
    other = restored(monitor)
    assert told(other) == told(monitor)
    assert not monitor.calculate_metrics("7d")["estimated_accuracy"].trusted
    for one in (monitor, other):
        play(one, table, pa.table(wrong), FIRST + 31 * DAY, FIRST + 34 * DAY)
    assert told(other) == told(monitor)


def test_what_is_held_back_is_restored() -> None:
    """Rows and parcels from the future wait in the restored monitor, too, until others confirm them."""
    now, later = log(300, days=1), log(300, days=1, first=FIRST + 5 * DAY)
    ahead = [ModelMonitor(REFERENCE, SETTINGS) for _ in range(2)]
    for i, one in enumerate(ahead):
        one.track_batch(later.slice(100 + 100 * i, 100))
    parcels = [one.hand_over() for one in ahead]
    monitor = ModelMonitor(REFERENCE, SETTINGS)
    monitor.track_batch(now)
    monitor.track_batch(later.slice(0, 10))
    monitor.merge(parcels[0])
    other = restored(monitor)
    for one in (monitor, other):
        found = one.calculate_metrics("7d")
        assert found.rejected == {"prediction held back: its time lies far ahead": 110}
        one.merge(parcels[1])
        assert one.calculate_metrics("7d").n == 510
        assert not one.calculate_metrics("7d").rejected
    assert told(other) == told(monitor)


ODD: list[dict[str, Any]] = [
    {"timestamp": datetime(2026, 1, 5, 1, tzinfo=UTC), "features": {"x": 1, "y": None}},
    {"timestamp": "2026-01-05T02:00:00", "features": {"x": "one", "y": [1, 2]}},
    {
        "timestamp": np.datetime64("2026-01-05T03"),
        "features": {"x": np.float32(0.1), "z": {"a": 1}},
    },
    {"timestamp": 1_767_582_000, "features": "none", "status": 504, "version": 2},
    {"timestamp": None, "latency_ms": "fast", "prediction_id": b"abc", "entity": object},
]


def test_an_opening_with_rows_of_any_kind() -> None:
    """Values of any type, and labels of a task that is still unknown, are read as before."""
    monitor = ModelMonitor()
    for i, metadata in enumerate(ODD):
        monitor.track_prediction(["yes", "no", np.nan, True, None][i], None, metadata)
    monitor.track_label("abc", "yes")
    monitor.track_batch({"prediction": np.array(["yes", "no"]), "timestamp": [FIRST, FIRST + 5]})
    other = restored(monitor)
    for one in (monitor, other):
        one.track_batch({"prediction": ["maybe"] * 30, "timestamp": [FIRST + 7] * 30})
    assert told(other) == told(monitor)
    for one in (monitor, other):
        play(one, log(), labels(log()), FIRST, FIRST + 2 * DAY)
    assert told(other) == told(monitor)


def test_a_ranker_and_classes_that_were_told_from_rows() -> None:
    """What the first rows told of the model is part of what is saved."""
    rng = np.random.default_rng(0)
    lists = [[f"i{v}" for v in rng.integers(0, 30, 10)] for _ in range(3000)]
    rows = {"prediction": lists, "actual": [found[:1] for found in lists]}
    words = {
        "prediction": rng.choice(["a", "b", "c"], 3000),
        "actual": rng.choice(["a", "b"], 3000),
    }
    for columns in (rows, words):
        table = {**columns, "timestamp": FIRST + np.arange(3000) * 1_000_000}
        monitor = ModelMonitor()
        monitor.track_batch(table)
        other = restored(monitor)
        for one in (monitor, other):
            one.track_batch(table)
        assert told(other) == told(monitor)


def test_settings_may_change_but_not_what_was_counted() -> None:
    """Other settings are taken where counts stay what they are, and refused by name where not."""
    monitor = ModelMonitor(REFERENCE, SETTINGS)
    monitor.track_batch(log())
    saved = monitor.save()
    looser = SETTINGS.model_copy(update={"false_alarms_per_month": 1.0, "beta": 1.0})
    assert ModelMonitor.restore(saved, looser).config == looser
    assert ModelMonitor.restore(saved).config == SETTINGS
    for update, name in (
        ({"slices": ()}, "slices is"),
        ({"threshold": 0.3}, "threshold is"),
        ({"task": Task.MULTICLASS, "classes": ("a", "b", "c")}, "task is"),
        ({"retention": timedelta(days=7)}, "retention is"),
    ):
        with pytest.raises(BadInput, match=name):
            ModelMonitor.restore(saved, SETTINGS.model_copy(update=update))


def test_damage_is_noticed() -> None:
    """A changed, missing or foreign byte is Corrupt."""
    monitor = ModelMonitor(REFERENCE, SETTINGS)
    monitor.track_batch(log(500))
    saved = monitor.save()
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(saved), 40):
        damaged = bytearray(saved)
        damaged[at] ^= 0xFF
        with pytest.raises(Corrupt):
            ModelMonitor.restore(bytes(damaged))
    for other in (b"", b"nothing", saved[: len(saved) // 2], monitor.hand_over().to_bytes()):
        with pytest.raises(Corrupt):
            ModelMonitor.restore(other)


def test_predictions_older_than_the_retention_are_forgotten() -> None:
    """What is remembered for labels stays bounded by the retention, however long the monitor runs."""
    monitor = ModelMonitor(reference(), MonitorConfig(retention=timedelta(days=2)))
    sizes = []
    for i in range(12):
        rows = log(2000, days=1.0, seed=i, first=FIRST + i * DAY)
        ids = pa.array([f"{i}-{j}" for j in range(len(rows))])
        rows = rows.set_column(0, "prediction_id", ids)
        monitor.track_batch(rows)
        sizes.append(len(monitor.save()))
    assert sizes[-1] < 1.2 * sizes[4], sizes


def test_labels_may_come_before_all_predictions() -> None:
    """They wait for theirs, though they say no time, and count when it comes."""
    monitor = ModelMonitor(reference(), MonitorConfig(retention=timedelta(days=2)))
    rows = log(400, days=1.0)
    ids = [f"p{i}" for i in range(len(rows))]
    rows = rows.set_column(0, "prediction_id", pa.array(ids))
    monitor.track_labels(pa.table({"prediction_id": ids, "actual": [1] * len(rows)}))
    for part in (rows.slice(0, 200), rows.slice(200)):
        monitor.track_batch(part)
    assert monitor.calculate_metrics("2d").n_labelled == 400
