"""What labels are expected to show: probabilities of the outcomes, and the metrics that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.performance.calibration import Calibrator, fit_calibrator
from timonel.performance.metrics import Metric, Rows, Value

Floats = NDArray[np.float64]

ROWS_FOR_REPLICATES = 2000
"""How many rows of a window show what the calibration's uncertainty does to it."""


@dataclass(frozen=True)
class Expected:
    """A metric as it is expected, with the variance of what labels will show around it."""

    value: Value | None
    variance: float = 0.0


@dataclass(frozen=True)
class OutcomeModel:
    """Turns scores of k classes into probabilities: each class calibrated, then normalised to sum to 1."""

    k: int
    calibrators: tuple[Calibrator, ...]
    """One a class; of two classes the second only, the first is its complement."""

    @classmethod
    def fit(
        cls, score: Floats, label: NDArray[np.intp], rng: np.random.Generator, bootstraps: int
    ) -> "OutcomeModel":
        """Calibrate each class on labelled rows."""
        k = score.shape[1]
        fitted = [fit_calibrator(score[:, c], label == c, rng, bootstraps) for c in _calibrated(k)]
        return cls(k, tuple(fitted))

    def probability(self, score: Floats, replicate: int | None = None) -> Floats:
        """(n, k) probabilities; those of one bootstrap replicate if it is named."""
        columns = [
            f(score[:, c]) if replicate is None else f.replicate(replicate, score[:, c])
            for c, f in zip(_calibrated(self.k), self.calibrators, strict=True)
        ]
        if self.k == 2:
            return np.stack([1 - columns[0], columns[0]], axis=1)
        p = np.stack(columns, axis=1)
        result: Floats = p / p.sum(axis=1, keepdims=True)
        return result

    def expect(
        self, metrics: Mapping[str, Metric], score: Floats, predicted: Floats
    ) -> dict[str, Expected]:
        """Each metric's expected value, and its variance: of the labels and of the calibration."""
        if not len(score):
            return dict.fromkeys(metrics, Expected(None))
        rows = Rows(self.probability(score), predicted, score, np.ones(len(score)))
        doubt = self._calibration_variance(metrics, score, predicted)
        values = {name: metric(rows) for name, metric in metrics.items()}
        return {
            name: Expected(v, label_variance(rows, v) + doubt[name]) for name, v in values.items()
        }

    def _calibration_variance(
        self, metrics: Mapping[str, Metric], score: Floats, predicted: Floats
    ) -> dict[str, float]:
        step = -(-len(score) // ROWS_FOR_REPLICATES)
        some, yhat = score[::step], predicted[::step]
        one = np.ones(len(some))
        replicates = [
            Rows(self.probability(some, b), yhat, some, one)
            for b in range(len(self.calibrators[0].replicates))
        ]
        return {
            name: _variance([metric(rows) for rows in replicates])
            for name, metric in metrics.items()
        }

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {"k": self.k, "calibrators": [c.to_dict() for c in self.calibrators]}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "OutcomeModel":
        """The inverse of `to_dict`."""
        return cls(saved["k"], tuple(Calibrator.from_dict(c) for c in saved["calibrators"]))


def _calibrated(k: int) -> range:
    return range(1, 2) if k == 2 else range(k)


def label_variance(rows: Rows, part: Value | None) -> float:
    """The variance that is due to each row's outcome being one of the classes by chance.

    A weight of w stands for w rows, each with its own chance.
    """
    if part is None:
        return 0.0
    h, p = part.by_outcome, rows.outcome
    spread = (p * h**2).sum(axis=1) - (p * h).sum(axis=1) ** 2
    return float((spread / rows.weight).sum())


def _variance(parts: list[Value | None]) -> float:
    values = [part.value for part in parts if part is not None]
    return float(np.var(values, ddof=1)) if len(values) > 1 else 0.0
