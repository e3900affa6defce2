"""Ledgers to be folded, and what a monitor makes of the same rows."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from ledgers import START, ledger_at
from timonel import ModelMonitor, MonitorConfig, Reference
from timonel.fold.job import FoldJob, Selection
from timonel.ledger import Ledger
from timonel.monitor.parcel import Parcel
from timonel.terms import Task

CONFIG = MonitorConfig(task=Task.BINARY, slices=("country",))
HOUR = timedelta(hours=1)


def features(rng: np.random.Generator, rows: int) -> dict[str, object]:
    """Two features."""
    return {"amount": rng.normal(size=rows), "country": rng.choice(["ES", "FR", "PT"], rows)}


def reference() -> Reference:
    """What the features are held against."""
    rng = np.random.default_rng(7)
    score = rng.random(500)
    return Reference.fit(
        pa.table(features(rng, 500)),
        predictions=(score > 0.5).astype(int),
        scores=score,
        labels=(rng.random(500) < score).astype(int),
    )


def write_log(place: Path, rows: int = 3000, days: int = 4, commits: int = 5) -> Ledger:
    """Predictions in no order, labels in files of later days: late, said twice, corrected, of strangers."""
    ledger, rng = ledger_at(place), np.random.default_rng(3)
    score = rng.random(rows)
    time = [START + days * timedelta(days=1) * float(x) for x in rng.random(rows)]
    table = pa.table(
        {
            "prediction_id": [None if i % 50 == 0 else f"p{i % (rows - 20)}" for i in range(rows)],
            "event_time": time,
            "model": rng.choice(["fraud", "other"], rows, p=[0.9, 0.1]),
            "version": rng.choice(["3", "4"], rows),
            "score": score,
            "prediction": (score > 0.5).astype(int),
            "latency_ms": rng.lognormal(3, 1, rows),
            "status": rng.choice(["ok", "error", "timeout"], rows, p=[0.9, 0.05, 0.05]),
            "violations": rng.integers(0, 2, rows),
            **features(rng, rows),
        }
    )
    for part in range(commits):
        ledger.append("predictions", table.take(list(range(part, rows, commits))))
    labelled = rng.permutation(rows)[: rows // 2]
    for lag in (1, 30, 200):
        ledger.append("labels", _labels(rng, labelled[labelled % 3 < 2], time, lag))
    return ledger


def _labels(rng: np.random.Generator, of: np.ndarray, time: list, lag: int) -> dict[str, list]:
    said = [None if i % 11 == 0 and lag == 30 else int(rng.integers(0, 2)) for i in of]
    return {
        "prediction_id": [*(f"p{i}" for i in of), "stranger", None],
        "label": [*said, 1, 1],
        "event_time": [*(time[i] + lag * HOUR for i in of), START, START],
        "arrival_time": [*(time[i] + (lag % 200) * HOUR for i in of), START, START],
    }


def job_of(ledger: Ledger, **selected: object) -> FoldJob:
    """How the tests fold."""
    return FoldJob.of(ledger.place, CONFIG, reference(), Selection(**selected))  # type: ignore[arg-type]


def watched(ledger: Ledger, **options: object) -> Parcel:
    """What one monitor counts of the log, row by row."""
    monitor = ModelMonitor(reference(), CONFIG)
    for batch in ledger.read_log(**options):  # type: ignore[arg-type]
        monitor.track_batch(batch)
    return monitor.hand_over()


def assert_same(found: Parcel, expected: Parcel) -> None:
    """Both hold the same counts, to the bit."""
    assert found.rows == expected.rows
    assert found.state == expected.state
    assert found.features == expected.features
    assert found.oldest == expected.oldest
    assert len(found.pending) == len(expected.pending)
    assert (found.pending.delays == expected.pending.delays).all()
    assert found.rejected == expected.rejected
