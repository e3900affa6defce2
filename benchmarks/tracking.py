"""What it costs to track predictions: `track_prediction` one at a time, `track_batch` a table at a time.

    make bench-metrics

A binary model with a reference of 5 numeric features; each prediction has its features, score, outcome,
latency, time and version. The time is processor time of the process, all that a row costs later, when its
buffer is counted, included.
"""

import argparse
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from timonel import ModelMonitor, Reference

FEATURES = tuple(f"x{i}" for i in range(5))
BATCH = 131_072
DAY = 86_400_000_000
START = datetime(2026, 1, 5, tzinfo=UTC)
FIRST = round(START.timestamp() * 1e6)
MICROSECONDS, RATE = 20.0, 2e6


def table(rows: int, ids: bool = False) -> pa.Table:
    """A day of predictions in the order of time."""
    rng = np.random.default_rng(0)
    score = rng.beta(1, 6, rows)
    columns: dict[str, Any] = {name: rng.normal(size=rows) for name in FEATURES}
    columns |= {
        "timestamp": pa.array(
            FIRST + np.sort(rng.integers(0, DAY, rows)), pa.timestamp("us", "UTC")
        ),
        "score": score,
        "prediction": (score > 0.4).astype(np.int64),
        "actual": (rng.random(rows) < score).astype(np.int64),
        "latency_ms": rng.lognormal(3, 0.5, rows),
        "version": pa.array(["1"] * rows).dictionary_encode(),
    }
    if ids:
        columns["prediction_id"] = pa.array(np.arange(rows).astype(str))
    return pa.table(columns)


def reference() -> Reference:
    """What the monitor compares with."""
    sample = table(20_000)
    return Reference.fit(
        sample.select(FEATURES),
        predictions=sample["prediction"],
        scores=sample["score"],
        labels=sample["actual"],
    )


def batch_rate(known: Reference, log: pa.Table) -> float:
    """Rows a second of `track_batch`."""
    monitor = ModelMonitor(known)
    parts = [log.slice(at, BATCH) for at in range(0, len(log), BATCH)]
    started = time.process_time()
    for part in parts:
        monitor.track_batch(part)
    spent = time.process_time() - started
    if monitor.calculate_metrics("1d").n != len(log):
        raise SystemExit("not every row was counted")
    return len(log) / spent


def row_cost(known: Reference, rows: int) -> float:
    """Microseconds of `track_prediction`."""
    monitor = ModelMonitor(known)
    values = np.random.default_rng(0).normal(size=(rows, len(FEATURES))).tolist()
    sent = [
        {
            "timestamp": START + timedelta(seconds=i),
            "latency_ms": 12.5,
            "score": 0.7,
            "version": "1",
            "features": dict(zip(FEATURES, row, strict=True)),
        }
        for i, row in enumerate(values)
    ]
    started = time.process_time()
    for metadata in sent:
        monitor.track_prediction(1, 1, metadata)
    found = monitor.calculate_metrics(start=START)
    spent = time.process_time() - started
    if found.n != rows:
        raise SystemExit("not every row was counted")
    return spent / rows * 1e6


def main() -> None:
    """Print a line a call; exit code 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    known = reference()
    cost = float(np.median([row_cost(known, 40_000) for _ in range(options.repeats)]))
    print(f"track_prediction, 5 features: {cost:.1f} us (target {MICROSECONDS:g})")
    rates = []
    for ids in (False, True):
        log = table(options.rows, ids)
        rates.append(np.median([batch_rate(known, log) for _ in range(options.repeats)]))
        name = "with prediction ids, " if ids else ""
        target = "" if ids else f" (target {RATE / 1e6:g})"
        print(f"track_batch, {name}5 features: {rates[-1] / 1e6:.2f} M rows/s{target}")
    raise SystemExit(0 if cost < MICROSECONDS and rates[0] >= RATE else 1)


if __name__ == "__main__":
    main()
