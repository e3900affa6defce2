"""Parcels: what several monitors have counted adds up to what one would have counted."""

from typing import Any

import numpy as np
import pyarrow as pa

from timonel import ModelMonitor, MonitorConfig, Reference
from timonel.monitor.parcel import Parcel

FIRST = 1_767_571_200_000_000
MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000


def log(n: int = 3000, days: float = 2.0, seed: int = 0) -> pa.Table:
    """A binary model's log, a third of it labelled at once."""
    rng = np.random.default_rng(seed)
    x, country = rng.normal(size=n), rng.choice(["ES", "FR", "PT"], n, p=[0.6, 0.3, 0.1])
    score = 1 / (1 + np.exp(-1.5 * x))
    actual = (rng.random(n) < score).astype(np.float64)
    return pa.table(
        {
            "prediction_id": [f"p{i}" for i in range(n)],
            "timestamp": np.sort(rng.integers(FIRST, FIRST + round(days * DAY), n)),
            "prediction": (score >= 0.5).astype(np.int64),
            "actual": pa.array(actual, mask=rng.random(n) > 0.3),
            "score": score,
            "latency_ms": np.round(rng.lognormal(3.5, 0.8, n), 3),
            "version": rng.choice(["1", "2"], n, p=[0.8, 0.2]),
            "status": rng.choice([200, 500, 504, 422], n, p=[0.96, 0.02, 0.01, 0.01]),
            "violations": rng.choice([0, 1], n, p=[0.98, 0.02]),
            "x": x,
            "country": country,
        }
    )


def reference() -> Reference:
    table = log(2000, seed=9)
    labels = (np.random.default_rng(1).random(2000) < table["score"].to_numpy()).astype(np.int64)
    return Reference.fit(
        table.select(["x", "country"]),
        predictions=table["prediction"],
        scores=table["score"],
        labels=labels,
    )


REFERENCE, CONFIG = reference(), MonitorConfig(slices=("country",))


def sent(parcel: Parcel) -> Parcel:
    """As it arrives at the other side."""
    return Parcel.from_bytes(parcel.to_bytes())


def told(monitor: ModelMonitor) -> list[dict[str, Any]]:
    """All that a monitor says."""
    asked: list[dict[str, Any]] = [{}, {"version": "2"}, {"slice": ("country", "FR")}]
    found = [monitor.calculate_metrics("3d", **one).to_dict() for one in asked]
    return [*found, *(a.to_dict() for a in monitor.detect_anomalies())]


def test_two_detectors_are_as_one_monitor() -> None:
    """Parcels of two monitors, however cut, tell what one monitor that tracked all rows tells."""
    table = log()
    whole, merged = ModelMonitor(REFERENCE, CONFIG), ModelMonitor(REFERENCE, CONFIG)
    whole.track_batch(table)
    detectors = [ModelMonitor(REFERENCE, CONFIG) for _ in range(2)]
    parcels = []
    for i, start in enumerate(range(0, len(table), 7)):
        detectors[i % 2].track_batch(table.slice(start, 7))
        if i % 5 == 0:
            parcels.append(sent(detectors[i % 2].hand_over()))
    parcels += [sent(one.hand_over()) for one in detectors]
    assert sum(parcel.rows for parcel in parcels) == len(table)
    for parcel in parcels:
        merged.merge(parcel)
    assert told(merged) == told(whole)
    assert all(one.calculate_metrics(start=0).n == 0 for one in detectors)
