"""Fold a synthetic ledger: rows a second, rows a second and core, peak memory.

    make bench-fold
    make bench-fold BENCH="--rows 100000000 --days 30"

A binary model with 5 numeric features. Predictions have random ids of 32 characters, labels come hours to
days later, in files of their own day. The time of a core is processor time of all processes, reading files
and joining labels included, but for starting the processes. The ledger stays in --at for the next run if
that is given.
"""

import argparse
import os
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel import MonitorConfig, Reference
from timonel.fold.crew import crew
from timonel.fold.job import FoldJob
from timonel.fold.local import fold_local
from timonel.ledger import Ledger, Place
from timonel.terms import Task

FEATURES = tuple(f"x{i}" for i in range(5))
START = datetime(2026, 1, 5, tzinfo=UTC)
DAY = 86_400_000_000
APPENDED = 1_000_000
RATE, MEMORY_MB = 2.5e6, 1500


def ids(rng: np.random.Generator, rows: int) -> pa.Array:
    """Random texts of 32 characters."""
    text = pa.py_buffer(rng.bytes(16 * rows).hex().encode())
    offsets = pa.py_buffer(np.arange(0, 32 * rows + 1, 32, dtype=np.int32))
    return pa.Array.from_buffers(pa.string(), rows, [None, offsets, text])


def times(micros: NDArray[np.int64]) -> pa.Array:
    """Microseconds since START as times."""
    return pa.array(micros + round(START.timestamp() * 1e6), pa.timestamp("us", "UTC"))


def write(ledger: Ledger, rows: int, days: int, labelled: float) -> None:
    """Append predictions day by day, and their labels."""
    rng = np.random.default_rng(0)
    for day in range(days):
        left = rows * (day + 1) // days - rows * day // days
        while left > 0:
            part = min(left, APPENDED)
            append(ledger, rng, part, day, labelled)
            left -= part


def append(ledger: Ledger, rng: np.random.Generator, rows: int, day: int, labelled: float) -> None:
    """A part of a day."""
    named, score = ids(rng, rows), rng.beta(1, 6, rows)
    made = np.sort(rng.integers(day * DAY, (day + 1) * DAY, rows))
    columns = {
        "prediction_id": named,
        "event_time": times(made),
        "model": pa.array(["fraud"] * rows),
        "version": pa.array([str(1 + day // 10)] * rows),
        "score": score,
        "prediction": pa.array((score > 0.4).astype(np.int8)).cast(pa.string()),
        "latency_ms": rng.lognormal(3, 0.5, rows),
        "status": pa.array(["ok"] * rows),
        "violations": pa.array(np.zeros(rows, np.int32)),
        **{name: rng.normal(size=rows) for name in FEATURES},
    }
    ledger.append("predictions", columns)
    chosen = rng.permutation(rows)[: round(rows * labelled)]
    if len(chosen):
        come = times(made[chosen] + (rng.lognormal(1.5, 1, len(chosen)) * 3.6e9).astype(np.int64))
        said = pa.array((rng.random(len(chosen)) < score[chosen]).astype(np.int8))
        label = {"prediction_id": named.take(pa.array(chosen)), "label": said.cast(pa.string())}
        ledger.append("labels", {**label, "event_time": come, "arrival_time": come})


def reference() -> Reference:
    """What the features are held against."""
    rng = np.random.default_rng(1)
    score = rng.beta(1, 6, 20_000)
    return Reference.fit(
        pa.table({name: rng.normal(size=20_000) for name in FEATURES}),
        predictions=(score > 0.4).astype(int),
        scores=score,
        labels=(rng.random(20_000) < score).astype(int),
    )


def spent() -> float:
    """Processor seconds of this process and of those that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)


def report(place: Place, options: argparse.Namespace) -> bool:
    """Fold once and print; whether the targets are met."""
    config = MonitorConfig(task=Task.BINARY, retention=timedelta(days=options.days + 2))
    job = FoldJob.of(place, config, reference())
    starting = spent()
    with crew(options.workers) as hands:
        list(hands.run(abs, ((i,) for i in range(options.workers))))
    starting = spent() - starting
    began, used = time.monotonic(), spent()
    parcel = fold_local(job, options.workers, options.scratch)
    seconds, used = time.monotonic() - began, spent() - used - starting
    if parcel.rows != options.rows:
        raise SystemExit(f"{parcel.rows:,} of {options.rows:,} rows were counted")
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, largest = (resource.getrusage(kind).ru_maxrss / 1024 for kind in kinds)
    print(
        f"{options.rows:,} predictions, {options.labelled:.0%} labelled, {options.days} days:"
        f" {seconds:.1f} s with {options.workers} workers, {options.rows / seconds / 1e6:.2f} M rows/s,"
        f" {options.rows / used / 1e6:.2f} M rows/s a core (target {RATE / 1e6:g});"
        f" peak memory {own:.0f} MB here, {largest:.0f} MB the largest worker (target {MEMORY_MB})"
    )
    return options.rows / used >= RATE and max(own, largest) <= MEMORY_MB


def main() -> None:
    """Write the ledger unless it is there, and fold it; exit code 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--labelled", type=float, default=0.1, help="share with a label")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--at", type=Path, help="keep the ledger here")
    parser.add_argument("--scratch", type=Path, help="where ids are exchanged on disk")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        at = options.at or Path(passing) / "ledger"
        place = Place.of(at, os.environ)
        if not at.exists():
            write(Ledger(place), options.rows, options.days, options.labelled)
        raise SystemExit(0 if report(place, options) else 1)


if __name__ == "__main__":
    main()
