"""A package brings the reference that a monitor needs: what was packed can be watched."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from examined import examine, quick
from podcasts import ranked
from slices import slice_of
from timonel import ModelMonitor, Reference
from timonel.terms import Task


def test_a_packed_ranker_is_watched_on_its_catalogue(tmp_path: Path) -> None:
    """The lists that it was judged on give the monitor the same hit rate as the examination."""
    made = ranked()
    path = made.package(tmp_path / "p").path
    reference = Reference.of_package(path)
    lists = pq.read_table(path / "reference.parquet").to_pylist()
    monitor = ModelMonitor(reference)
    chosen = [[i for i, hit in zip(r["items"], r["relevant"], strict=True) if hit] for r in lists]
    monitor.track_batch(
        {
            "prediction": [row["items"] for row in lists],
            "actual": [c or ["something else"] for c in chosen],
            "timestamp": 1.75e9 + np.arange(len(lists)),
            "history": [row["history"] for row in lists],
        }
    )
    metrics = monitor.calculate_metrics("1d")
    assert reference.task is Task.RANKING
    assert float(metrics["hit_rate"]) == pytest.approx(
        made.evaluation.metrics["hit_rate_at_k"].value
    )
    assert float(metrics["unlisted_share"]) == 0
    assert 0 < float(metrics["intra_list_diversity"]) < 1
    assert metrics.data_drift_score < 0.05


def test_a_packed_classifier_is_watched_with_its_threshold(tmp_path: Path) -> None:
    """The packed rows give the monitor the examination's figures, decided by the packed threshold."""
    made = examine(slice_of("accidents", 6000), quick("accidents"), "boosting")
    path = made.package(tmp_path / "p").path
    reference = Reference.of_package(path)
    rows = pq.read_table(path / "reference.parquet")
    monitor = ModelMonitor(reference)
    close = 1.75e9 + np.arange(rows.num_rows)
    monitor.track_batch(
        {**dict(zip(rows.column_names, rows.columns, strict=True)), "timestamp": close}
    )
    metrics = monitor.calculate_metrics("1d")
    predicted = rows["score"].to_numpy() >= reference.threshold
    positive = rows["label"].to_numpy() == 1
    assert reference.threshold == made.evaluation.threshold
    assert float(metrics.accuracy) == np.mean(predicted == positive)
    assert metrics.n_labelled == rows.num_rows
    assert metrics.data_drift_score < 0.01
