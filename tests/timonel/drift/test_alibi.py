"""The adapter to Alibi Detect: the real library where it is installed, its contract everywhere."""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from timonel.drift import SortedReference, two_sample
from timonel.drift.alibi import AlibiDetector
from timonel.drift.encoding import categories_per_feature, encode
from timonel.errors import BadInput, Unavailable


def frame(rows: int, seed: int) -> dict[str, np.ndarray]:
    """Three numeric columns and a category."""
    rng = np.random.default_rng(seed)
    columns = {f"x{i}": rng.normal(size=rows) for i in range(3)}
    return {**columns, "c": rng.choice(["a", "b", "c"], rows).astype(object)}


TABLE = frame(2_000, 0)
REFERENCE = SortedReference.fit(TABLE)


def tabular() -> Any:
    """Alibi Detect's TabularDrift on the encoded reference."""
    detect = pytest.importorskip("alibi_detect.cd")
    return detect.TabularDrift(
        encode(REFERENCE, TABLE), categories_per_feature=categories_per_feature(REFERENCE)
    )


def test_statistics_are_tabular_drifts() -> None:
    """two_sample's statistics are TabularDrift's, in the single precision that it keeps."""
    window = frame(500, 1)
    theirs = tabular().predict(encode(REFERENCE, window))["data"]["distance"]
    ours = [feature.statistic for feature in two_sample(REFERENCE, window)]
    assert np.array(ours, dtype=np.float32) == pytest.approx(theirs, abs=1e-12)


def test_nan_and_unseen_categories_do_not_blind_it() -> None:
    """A shifted column with a NaN, beside unseen and missing categories, still alarms."""
    window = frame(500, 1)
    window["x1"] = window["x1"] + 1
    window["x1"][0] = np.nan
    window["c"][:2] = ["unseen", None]
    report = AlibiDetector(tabular(), REFERENCE).predict(window)
    assert (report.state, report.alarm) == ("ok", True)
    assert [t.name for t in report.tests if t.p_corrected <= 0.05] == ["x1"]


def test_a_burst_of_nulls_is_seen() -> None:
    """Missing values are tested beside the detector, which cannot see them."""
    window = frame(500, 1)
    window["x2"][:50] = np.nan
    report = AlibiDetector(tabular(), REFERENCE).predict(window)
    assert min(report.tests, key=lambda t: t.p).name == "x2: missing values"
    assert report.alarm


def test_a_saved_detector_is_loaded(tmp_path: Path) -> None:
    """What save_detector wrote answers as the detector itself."""
    saving = pytest.importorskip("alibi_detect.saving")
    saving.save_detector(tabular(), tmp_path / "detector")
    loaded = AlibiDetector.load(tmp_path / "detector", REFERENCE).predict(frame(500, 1))
    itself = AlibiDetector(tabular(), REFERENCE).predict(frame(500, 1))
    assert (loaded.tests, loaded.response["data"]) == (itself.tests, itself.response["data"])


def test_the_detectors_own_answer_is_kept_without_its_rows() -> None:
    """What it said is there as plain values, NaN as None, but no row of the reference."""
    said = {
        "is_drift": np.int64(1),
        "p_val": np.array([0.01, np.nan]),
        "x_ref_oof": np.ones((9, 4)),
    }
    report = AlibiDetector(Scripted(said), REFERENCE).predict(frame(50, 1))
    assert report.response == {"data": {"is_drift": 1, "p_val": [0.01, None]}, "meta": {}}


def test_without_the_library_the_message_names_extra_and_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading without Alibi Detect says what to install and why it was not there."""
    monkeypatch.setitem(sys.modules, "alibi_detect.saving", None)
    with pytest.raises(Unavailable, match=r"Business Source License[\s\S]*timonel\[alibi\]"):
        AlibiDetector.load(tmp_path, REFERENCE)


class Scripted:
    """A detector that does as it is told."""

    def __init__(self, answer: Any = None, seconds: float = 0.0) -> None:
        self.answer, self.seconds = answer, seconds

    def predict(self, x: np.ndarray) -> Any:
        assert np.isfinite(x).all()
        time.sleep(self.seconds)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"data": self.answer}


def test_a_failing_detector_is_a_state() -> None:
    """What the detector raises is told, and is no pass."""
    report = AlibiDetector(Scripted(RuntimeError("no memory")), REFERENCE).predict(frame(50, 1))
    assert (report.state, report.alarm) == ("failed", None)
    assert report.problem == "RuntimeError: no memory"


def test_a_slow_detector_does_not_block() -> None:
    """No answer in time is a state; the next window finds it busy, and does not wait."""
    slow = AlibiDetector(Scripted({"p_val": 0.5}, seconds=0.5), REFERENCE, timeout_s=0.05)
    assert slow.predict(frame(50, 1)).state == "timed out"
    start = time.perf_counter()
    assert slow.predict(frame(50, 1)).state == "busy"
    assert time.perf_counter() - start < 0.2


def test_an_undefined_p_value_is_no_pass() -> None:
    """A p-value that is NaN is not known: neither alarm nor pass."""
    report = AlibiDetector(Scripted({"p_val": np.nan}), REFERENCE).predict(frame(50, 1))
    assert (report.state, report.alarm) == ("undefined", None)


def test_feature_p_values_are_corrected() -> None:
    """Four p-values just below .05 are no alarm; one of .01 is."""
    mild = Scripted({"p_val": np.array([0.04, 0.04, 0.04, 0.04])})
    clear = Scripted({"p_val": np.array([0.01, 0.5, 0.5, 0.5])})
    assert AlibiDetector(mild, REFERENCE).predict(frame(50, 1)).alarm is False
    assert AlibiDetector(clear, REFERENCE).predict(frame(50, 1)).alarm is True


def test_a_reference_that_follows_the_windows_is_refused() -> None:
    """update_x_ref absorbs drift, so such a detector is bad input."""
    detector = Scripted()
    detector.update_x_ref = {"last": 100}  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match="absorbs the drift"):
        AlibiDetector(detector, REFERENCE)


def test_an_empty_window_is_no_data() -> None:
    """Without rows the detector is not asked."""
    report = AlibiDetector(Scripted(RuntimeError("asked")), REFERENCE).predict(frame(0, 1))
    assert (report.state, report.alarm) == ("no data", None)
