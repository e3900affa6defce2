"""Detectors of Alibi Detect on our windows, without their traps.

    reference = SortedReference.fit(table)
    matrix, categories = encode(reference, table), categories_per_feature(reference)
    detector = TabularDrift(matrix, categories_per_feature=categories)
    report = AlibiDetector(detector, reference).predict(window)

- A missing number is replaced by an even draw from the reference's values, and the share of missing
  values is tested beside the detector: one NaN cannot blind it, a burst of nulls is seen.
- An unseen category has a code of its own, a missing one another: no ValueError.
- The p-values of single features are corrected here (Holm), whatever the detector does with them; a
  p-value that is NaN counts as not known, never as "no drift".
- A detector whose reference follows the last windows is refused: it absorbs the drift it should find.
- It never blocks: a detector that fails, or takes too long, is a state of the report.

Alibi Detect is under the Business Source License 1.1: production use needs a licence from Seldon, unless you
are a non-profit educational institution. It is therefore an optional extra: `pip install 'timonel[alibi]'`.
Timonel's own `two_sample` needs none of it.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from timonel.drift.contingency import missing_part
from timonel.drift.corrections import holm
from timonel.drift.encoding import encode, tested_columns
from timonel.drift.reference import SortedReference
from timonel.errors import BadInput, Unavailable
from timonel.frames import named_columns, to_arrow

Floats = NDArray[np.float64]
_SAID = ("is_drift", "distance", "p_val", "threshold", "distance_threshold")
_META = ("name", "online", "data_type", "version", "detector_type", "version_warning")
State = Literal["ok", "no data", "failed", "timed out", "busy", "undefined"]


class Detector(Protocol):
    """What all offline detectors of Alibi Detect offer."""

    def predict(self, x: Any) -> Mapping[str, Any]:
        """Compare rows with the detector's reference."""
        ...


@dataclass(frozen=True, slots=True)
class AlibiTest:
    """One p-value of the detector, or of the missing values beside it."""

    name: str
    p: float | None
    p_corrected: float | None
    statistic: float | None


@dataclass(frozen=True, slots=True)
class AlibiReport:
    """What the detector said of a window."""

    state: State
    """Only "ok" carries an answer."""
    detector: str
    alarm: bool | None
    """None unless the state is "ok": no answer is not a pass."""
    rows: int
    tests: tuple[AlibiTest, ...] = ()
    problem: str | None = None
    response: Mapping[str, Any] | None = None
    """What the detector itself said, `data` and `meta`, as plain values; not the rows that some give back."""

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values that JSON can hold."""
        return asdict(self)


class AlibiDetector:
    """An Alibi Detect detector, fitted on `encode(reference, table)`, behind windows as they come."""

    def __init__(
        self,
        detector: Detector,
        reference: SortedReference,
        family_alpha: float = 0.05,
        timeout_s: float = 60.0,
    ) -> None:
        if getattr(detector, "update_x_ref", None):
            raise BadInput(
                f"the detector's update_x_ref is {getattr(detector, 'update_x_ref', None)}, expected None",
                why="a reference that follows the windows absorbs the drift it should find",
                fix="build the detector without update_x_ref",
            )
        self._detector, self._reference = detector, reference
        self._alpha, self._timeout = family_alpha, timeout_s
        self.name = type(detector).__name__
        self._working = threading.Lock()

    @classmethod
    def load(
        cls,
        directory: Path,
        reference: SortedReference,
        family_alpha: float = 0.05,
        timeout_s: float = 60.0,
    ) -> Self:
        """A detector from the directory that `alibi_detect.saving.save_detector` wrote."""
        try:
            from alibi_detect.saving import load_detector
        except ImportError:
            raise Unavailable(
                "Alibi Detect is not installed",
                why="it is optional because of its licence (Business Source License 1.1)",
                fix="pip install 'timonel[alibi]', or use timonel.drift.two_sample, which needs none of it",
            ) from None
        if not directory.is_dir():
            raise BadInput(f"{directory}: no such directory, expected a saved detector")
        try:
            return cls(load_detector(directory), reference, family_alpha, timeout_s)
        except (ValueError, OSError, KeyError) as error:
            raise BadInput(f"{directory}: not a saved detector: {error}") from None

    def predict(self, window: Any) -> AlibiReport:
        """Ask the detector about a window. It raises only for what is not a table."""
        columns, rows = named_columns(window)
        if not rows:
            return AlibiReport("no data", self.name, None, 0)
        if not self._working.acquire(blocking=False):
            return AlibiReport(
                "busy", self.name, None, rows, problem="the window before is still being worked on"
            )
        answer: list[AlibiReport] = []
        worker = threading.Thread(target=self._work, args=(columns, rows, answer), daemon=True)
        worker.start()
        worker.join(self._timeout)
        if answer:
            return answer[0]
        problem = f"no answer within {self._timeout:g} s"
        return AlibiReport("timed out", self.name, None, rows, problem=problem)

    def _work(self, columns: Mapping[str, Any], rows: int, answer: list[AlibiReport]) -> None:
        try:
            response = self._detector.predict(encode(self._reference, columns))
            found = self._judged(response["data"], columns, rows)
            found = replace(found, response=_plain_response(response))
        except (
            Exception
        ) as error:  # whatever a third-party detector raises must not stop the monitor
            problem = f"{type(error).__name__}: {error}"
            found = AlibiReport("failed", self.name, None, rows, problem=problem)
        finally:
            self._working.release()
        answer.append(found)

    def _judged(
        self, data: Mapping[str, Any], columns: Mapping[str, Any], rows: int
    ) -> AlibiReport:
        tests = [*self._detector_tests(data), *_missing_tests(self._reference, columns, rows)]
        known = [i for i, test in enumerate(tests) if test.p is not None]
        corrected = holm(np.array([tests[i].p for i in known], dtype=np.float64)).tolist()
        for i, p in zip(known, corrected, strict=True):
            tests[i] = AlibiTest(tests[i].name, tests[i].p, p, tests[i].statistic)
        alarm = any(p <= self._alpha for p in corrected)
        if not alarm and len(known) < len(tests):
            unknown = ", ".join(test.name for test in tests if test.p is None)
            problem = f"no p-value for {unknown}"
            return AlibiReport("undefined", self.name, None, rows, tuple(tests), problem)
        return AlibiReport("ok", self.name, alarm, rows, tuple(tests))

    def _detector_tests(self, data: Mapping[str, Any]) -> list[AlibiTest]:
        p_values = np.atleast_1d(np.asarray(data.get("p_val", np.nan), dtype=np.float64)).ravel()
        distance = np.atleast_1d(np.asarray(data.get("distance", np.nan), dtype=np.float64)).ravel()
        statistics = distance if len(distance) == len(p_values) else np.full(len(p_values), np.nan)
        names = _test_names(tested_columns(self._reference), len(p_values))
        values = zip(names, p_values.tolist(), statistics.tolist(), strict=True)
        return [AlibiTest(name, _known(p), None, _known(s)) for name, p, s in values]


def _missing_tests(
    reference: SortedReference, columns: Mapping[str, Any], rows: int
) -> list[AlibiTest]:
    tests = []
    for name in tested_columns(reference):
        missing = _missing(columns[name]) if name in columns else rows
        for part in missing_part(_missing_before(reference, name), reference.rows, missing, rows):
            tests.append(AlibiTest(f"{name}: {part.evidence}", part.p, None, missing / rows))
    return tests


def _missing(column: Any) -> int:
    values = to_arrow(column).to_pylist()
    return sum(x is None or (isinstance(x, float) and not np.isfinite(x)) for x in values)


def _missing_before(reference: SortedReference, name: str) -> int:
    if name in reference.categorical:
        return reference.categorical[name].missing
    return reference.numeric.columns[reference.numeric.names.index(name)].missing


def _test_names(columns: Sequence[str], count: int) -> list[str]:
    if count == len(columns):
        return list(columns)
    return ["all columns"] if count == 1 else [f"dimension {i}" for i in range(count)]


def _plain_response(response: Mapping[str, Any]) -> dict[str, Any]:
    # a closed list: detectors give back predictions, models, and rows of the reference, too
    data = {key: _plain(response["data"][key]) for key in _SAID if key in response["data"]}
    meta = response.get("meta") or {}
    return {"data": data, "meta": {key: _plain(meta[key]) for key in _META if key in meta}}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(x) for x in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _known(value: float) -> float | None:
    return value if value == value else None
