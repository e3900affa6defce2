"""Answers are of the moment of the question, though each figure is computed when it is read."""

import pickle
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from timonel import ModelMonitor, MonitorConfig, Reference
from timonel.monitor import answers
from timonel.monitor.drifting import DriftWatch
from timonel.monitor.feature_windows import FeatureWindows
from timonel.performance.packs import binary_figures

FIRST = 1_767_571_200_000_000
DAY = 86_400_000_000


def log(seed: int, n: int = 4000, shift: float = 0.0, day: int = 0) -> pa.Table:
    """Two days of a calibrated score, from a day on, with an outcome for half of the rows."""
    rng = np.random.default_rng(seed)
    x = rng.normal(shift, 1, n)
    score = 1 / (1 + np.exp(-x))
    actual = (rng.random(n) < score).astype(float)
    first = FIRST + day * DAY
    return pa.table(
        {
            "prediction_id": [f"{seed}-{i}" for i in range(n)],
            "timestamp": pa.array(
                np.sort(rng.integers(first, first + 2 * DAY, n)), pa.timestamp("us", "UTC")
            ),
            "score": score,
            "prediction": (score > 0.5).astype(int),
            "actual": np.where(rng.random(n) < 0.5, actual, np.nan),
            "latency_ms": rng.lognormal(2, 0.5, n),
            "country": rng.choice(["ES", "FR"], n),
            "x": x,
        }
    )


REFERENCE = Reference.fit(
    log(99), labels="actual", scores="score", predictions="prediction", features=("x",)
)
QUESTIONS: tuple[dict[str, Any], ...] = (
    {"window_size": "1d"},
    {"window_size": "7d"},
    {"window_size": "7d", "slice": ("country", "ES")},
)


def more(monitor: ModelMonitor) -> None:
    """Other traffic in the same time, later traffic that moves the blocks, and labels for what has none."""
    monitor.track_batch(log(2, shift=2.0))
    monitor.track_prediction(1, 0, {"timestamp": "nonsense"})
    table = log(1)
    monitor.track_labels({"prediction_id": table["prediction_id"], "actual": np.zeros(len(table))})
    monitor.detect_anomalies()
    monitor.track_batch(log(3, shift=-1.0, day=40))


@pytest.mark.parametrize("reference", [None, REFERENCE], ids=["learning", "reference"])
def test_what_is_tracked_later_does_not_change_an_answer(reference: Reference | None) -> None:
    """An answer read after more was tracked is word for word what it was when it was given."""
    settings = MonitorConfig(task="binary", slices=("country",))
    monitor, twin = ModelMonitor(reference, settings), ModelMonitor(reference, settings)
    for one in (monitor, twin):
        one.track_batch(log(1))
    read_later = [monitor.calculate_metrics(**question) for question in QUESTIONS]
    read_at_once = [twin.calculate_metrics(**question).to_dict() for question in QUESTIONS]
    more(monitor)
    assert [m.to_dict() for m in read_later] == read_at_once
    assert monitor.calculate_metrics("7d").to_dict() != read_at_once[1]


def test_only_what_is_read_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for an accuracy computes neither AUC nor drift; all of them come with to_dict."""
    calls: list[str] = []
    for module, name in ((binary_figures, "roc_auc"), (answers, "data_drift_score")):
        real = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, real=real, name=name: calls.append(name) or real(*a)
        )
    monitor = ModelMonitor(REFERENCE, MonitorConfig(task="binary"))
    monitor.track_batch(log(1))
    m = monitor.calculate_metrics("7d")
    assert "roc_auc" in m
    assert m.accuracy.state in ("ok", "labels immature")
    assert not calls
    assert m.to_dict() == m.to_dict()
    assert sorted(calls) == ["data_drift_score", "roc_auc"]


def test_drift_is_looked_for_again_after_time_has_leapt() -> None:
    """Weeks without traffic, in which a lesson was due, are passed over; the look comes to an end."""
    watch = DriftWatch(FeatureWindows(REFERENCE, MonitorConfig()), 1.0)
    for day in (0, 50):
        assert watch.update(FIRST + day * DAY, FIRST + (day + 1) * DAY) == []


def test_an_answer_can_be_pickled() -> None:
    """What is sent to another process has all its figures and warnings."""
    monitor = ModelMonitor(REFERENCE, MonitorConfig(task="binary"))
    monitor.track_batch(log(1))
    m = monitor.calculate_metrics("7d")
    assert pickle.loads(pickle.dumps(m)).to_dict() == m.to_dict()
