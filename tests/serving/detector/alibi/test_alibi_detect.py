"""The real library, where it is installed: verdicts of detectors that are made, and that were saved."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from receivers import Receiver
from timonel.config.watching import Alibi
from timonel.reference import Reference
from timonel_serving.detector.alibi.setup import alibi_taps
from timonel_serving.detector.alibi.verdicts import Verdicts

pytest.importorskip(
    "alibi_detect", reason="Alibi Detect is an extra, not part of development: BSL 1.1"
)


def columns(rows: int, seed: int, shift: float = 0.0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    numbers = {"x": rng.normal(size=rows) + shift, "y": rng.normal(size=rows)}
    return {**numbers, "kind": rng.choice(["a", "b", "c"], rows).astype(object)}


def batch(features: dict[str, Any]) -> pa.Table:
    struct = pa.StructArray.from_arrays([pa.array(c) for c in features.values()], list(features))
    ids = [f"req-{i}" for i in range(len(struct))]
    return pa.table({"inference.id": ids, "inference.features": struct})


REFERENCE = Reference.fit(columns(5000, 0))
NUMBERS = ("x", "y")


@contextmanager
def tap_of(settings: dict[str, Any], reference: Reference | None, url: str) -> Iterator[Verdicts]:
    found = Alibi.model_validate({"batch_size": 500, "sink": url, **settings})
    with alibi_taps(found, reference, model="fraud", base=Path(), environment=dict(os.environ)) as (
        tap,
    ):
        yield tap


def healthy_and_shifted(tap: Verdicts, receiver: Receiver) -> list[dict[str, Any]]:
    """The bodies of the events of one window of either sort."""
    tap.offer(batch(columns(500, 1)))
    tap.offer(batch(columns(500, 2, shift=0.5)))
    return [orjson.loads(receiver.events.get(timeout=120)[1]) for _ in range(2)]


@pytest.mark.parametrize("kind", ["tabular", "ks", "cvm", "classifier"])
def test_each_kind_calls_shifted_rows_drift_and_healthy_ones_not(
    kind: str, receiver: Receiver
) -> None:
    """Both what the detector says itself and our reading of it."""
    features = {"features": NUMBERS} if kind in ("ks", "cvm") else {}
    with tap_of({"kind": kind, **features}, REFERENCE, receiver.url) as tap:
        healthy, shifted = healthy_and_shifted(tap, receiver)
    assert [one["data"]["is_drift"] for one in (healthy, shifted)] == [0, 1]
    assert [one["timonel"]["alarm"] for one in (healthy, shifted)] == [False, True]
    assert shifted["meta"]["name"].lower().startswith(kind)


def test_a_saved_detector_is_its_own_reference(tmp_path: Path, receiver: Receiver) -> None:
    """A directory alone, as KServe takes it; the event says what `predict` says of the same rows."""
    from alibi_detect.cd import KSDrift
    from alibi_detect.saving import load_detector, save_detector

    matrix = np.stack([columns(5000, 0)[name] for name in NUMBERS], axis=1)
    save_detector(KSDrift(matrix), tmp_path / "ks")
    settings = {"storage_uri": f"file://{tmp_path / 'ks'}", "features": NUMBERS}
    with tap_of(settings, None, receiver.url) as tap:
        healthy, shifted = healthy_and_shifted(tap, receiver)
    window = np.stack([columns(500, 2, shift=0.5)[name] for name in NUMBERS], axis=1)
    said = load_detector(tmp_path / "ks").predict(window)["data"]
    assert shifted["data"]["p_val"] == pytest.approx(said["p_val"].tolist())
    assert shifted["data"]["distance"] == pytest.approx(said["distance"].tolist())
    assert [one["data"]["is_drift"] for one in (healthy, shifted)] == [0, 1]


def test_a_saved_detector_of_other_columns_is_given_up_with_the_reason(
    tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Its width is compared with the reference's before the first window."""
    from alibi_detect.cd import KSDrift
    from alibi_detect.saving import save_detector

    save_detector(KSDrift(np.zeros((100, 3))), tmp_path / "ks")
    settings = {"storage_uri": str(tmp_path / "ks"), "features": NUMBERS}
    with tap_of(settings, REFERENCE, receiver.url) as tap:
        ended = threading.Event()
        for _ in range(600):
            if tap.series.get_sample_value("timonel_detector_alibi_worker_given_up"):
                break
            ended.wait(0.1)
    assert "fitted on 3 columns, the reference has 2" in caplog.text
