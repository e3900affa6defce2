"""Performance without labels: confidence-based performance estimation (CBPE), and the check of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from timonel.errors import BadInput
from timonel.performance.calibration import Calibrator, fit_calibrator
from timonel.performance.contradiction import Check, Comparison, compare, spent_level
from timonel.performance.intervals import LEAST_SUPPORT, measured
from timonel.performance.metrics import METRICS, Rows, Value
from timonel.performance.realised import (
    Labelled,
    encode,
    find_metric,
    labelled,
    read_scores,
    realised,
)
from timonel.performance.value import Measured

Floats = NDArray[np.float64]

LEAST_ROWS = 100
LEAST_OF_EACH = 10
"""What the reference must hold, in all and of each class."""

ROWS_FOR_REPLICATES = 2000
"""How many rows of a window show what the calibration's uncertainty does to it."""

ASSUMPTION = (
    "assumes that the probability of each label at a given score is as on the reference"
    " (no concept drift, no prior shift)"
)


@dataclass(frozen=True, eq=False)
class Estimate(Measured):
    """A metric that was estimated without labels: never to be shown without its assumption."""

    assumption: str = ASSUMPTION
    trusted: bool = True
    """False once matured labels have contradicted the assumption."""
    n_ignored: int = 0
    """Rows left out because their score was missing."""

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return super().to_dict() | {
            "assumption": self.assumption,
            "trusted": self.trusted,
            "n_ignored": self.n_ignored,
        }


class CBPE:
    """Estimates the performance on rows whose labels have not arrived, from the scores alone.

    The scores are calibrated on a labelled reference that the model was not trained on. The expected
    outcome of each row then gives the expected counts: TP = sum of p over the predicted positives, and
    so on. The interval (95 %) is for what the labels will show on these very rows; it holds the chance
    of the labels and, by a bootstrap, the uncertainty of the calibration.

    It follows a covariate shift, as far as the score keeps its meaning. It cannot see a concept drift or a
    prior shift: each estimate says so, and `check` compares it with labels as they mature.

    Args:
        metrics: any of auc, accuracy, precision, recall, f1 (macro averages for more than two classes).
        alpha: the probability, over all checks that will ever be made, of distrusting a valid estimate.
        bootstraps: resampled references.
        seed: of the resampling; equal seeds give equal estimates.

    References:
        J. Kivimaki, J. Bialek, W. Kuberski, J. K. Nurminen: Performance estimation in binary classification
        using calibrated confidence. 2025, section 3 (arXiv 2505.05295).
    """

    def __init__(
        self,
        metrics: Sequence[str] = tuple(METRICS),
        *,
        alpha: float = 0.05,
        bootstraps: int = 100,
        seed: int = 0,
    ) -> None:
        self._metrics = {name: find_metric(name) for name in metrics}
        if not 0 < alpha < 1:
            raise BadInput(f"alpha is {alpha:g}, expected a probability such as .05")
        if bootstraps < 2:
            raise BadInput(f"bootstraps is {bootstraps}, expected at least 2, such as 100")
        self.alpha, self.bootstraps, self.seed = alpha, bootstraps, seed
        self.classes: tuple[object, ...] = ()
        self.reference: dict[str, Measured] = {}
        """What the labels of the reference show."""
        self._calibrators: list[Calibrator] = []
        self._checks, self._contradiction = 0, ""

    @property
    def trusted(self) -> bool:
        """Whether no matured labels have contradicted the estimates since `fit`."""
        return not self._contradiction

    def fit(
        self,
        y_true: ArrayLike,
        y_score: ArrayLike,
        y_pred: ArrayLike,
        *,
        classes: Sequence[object] | None = None,
    ) -> "CBPE":
        """Learn the calibration from a labelled reference that the model has not seen in training.

        Args:
            y_true: labels; rows without one are left out.
            y_score: probability of the positive class (n,) or of each class (n, k).
            y_pred: predicted labels.
            classes: all labels in the order of the scores' columns; else the sorted ones that occur.
        """
        reference = labelled(y_true, y_score, y_pred, classes=classes)
        _require_enough(reference)
        rng = np.random.default_rng(self.seed)
        self.classes = reference.classes
        self.reference = realised(reference, tuple(self._metrics))
        self._calibrators = [
            fit_calibrator(reference.score[:, c], reference.label == c, rng, self.bootstraps)
            for c in self._calibrated_classes()
        ]
        self._checks, self._contradiction = 0, ""
        return self

    def estimate(self, y_score: ArrayLike, y_pred: ArrayLike) -> dict[str, Estimate]:
        """The metrics that labels would show, if the assumption holds."""
        score, predicted, n_ignored = self._read(y_score, y_pred)
        expected = self._expected(score, predicted)
        return {
            name: self._as_estimate(*expected[name], len(score), n_ignored)
            for name in self._metrics
        }

    def check(self, y_true: ArrayLike, y_score: ArrayLike, y_pred: ArrayLike) -> Check:
        """Compare the estimates with matured labels; once contradicted, estimates are untrusted until `fit`.

        Pass each matured row once, in windows as they mature. The k-th check has the level
        alpha/(k(k+1)), shared by the metrics, so that the probability of ever distrusting a valid
        estimate is at most alpha, however many checks there are. Rows that bear no comparison are not
        counted as a check.
        """
        matured = labelled(y_true, y_score, y_pred, classes=self._fitted_classes())
        predicted = np.eye(len(self.classes))[matured.predicted]
        expected = self._expected(matured.score, predicted)
        truth = matured.rows
        pairs = {
            name: (expected[name], metric(truth) if len(matured.label) else None)
            for name, metric in self._metrics.items()
        }
        level = spent_level(self.alpha, self._checks + 1)
        comparisons = _comparisons(pairs, level)
        self._checks += bool(comparisons)
        self._contradiction = self._contradiction or _contradiction(comparisons)
        return Check(self._checks, level, len(matured.label), comparisons, self.trusted)

    def to_dict(self) -> dict[str, object]:
        """The fitted estimator as plain JSON values."""
        return {
            "metrics": list(self._metrics),
            "alpha": self.alpha,
            "bootstraps": self.bootstraps,
            "seed": self.seed,
            "classes": list(self._fitted_classes()),
            "reference": {name: m.to_dict() for name, m in self.reference.items()},
            "calibrators": [c.to_dict() for c in self._calibrators],
            "checks": self._checks,
            "contradiction": self._contradiction,
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "CBPE":
        """The inverse of `to_dict`: gives the same estimates, and goes on counting the checks."""
        cbpe = cls(
            saved["metrics"],
            alpha=saved["alpha"],
            bootstraps=saved["bootstraps"],
            seed=saved["seed"],
        )
        cbpe.classes = tuple(saved["classes"])
        cbpe.reference = {k: Measured.from_dict(m) for k, m in saved["reference"].items()}
        cbpe._calibrators = [Calibrator.from_dict(c) for c in saved["calibrators"]]
        cbpe._checks, cbpe._contradiction = saved["checks"], saved["contradiction"]
        return cbpe

    def _calibrated_classes(self) -> range:
        # of two classes the second is the positive one, and the other its complement
        k = len(self.classes)
        return range(1, 2) if k == 2 else range(k)

    def _fitted_classes(self) -> tuple[object, ...]:
        if not self._calibrators:
            raise BadInput("CBPE is not fitted", fix="call fit(y_true, y_score, y_pred) first")
        return self.classes

    def _read(self, y_score: ArrayLike, y_pred: ArrayLike) -> tuple[Floats, Floats, int]:
        classes = self._fitted_classes()
        score, predicted = read_scores(y_score), np.asarray(y_pred)
        if score.shape != (len(predicted), len(classes)):
            raise BadInput(
                f"y_score has shape {score.shape} for {len(predicted)} predictions,"
                f" expected {len(classes)} classes as in the reference"
            )
        keep = ~np.isnan(score).any(axis=1)
        one = np.eye(len(classes))
        return score[keep], one[encode(predicted[keep], classes)], int((~keep).sum())

    def _expected(self, score: Floats, predicted: Floats) -> dict[str, tuple[Value | None, float]]:
        """Each metric's expected value, and its variance: of the labels and of the calibration."""
        if not len(score):
            return dict.fromkeys(self._metrics, (None, 0.0))
        rows = Rows(self._probability(score), predicted, score, np.ones(len(score)))
        doubt = self._calibration_variance(score, predicted)
        parts = {name: metric(rows) for name, metric in self._metrics.items()}
        return {name: (v, _label_variance(rows, v) + doubt[name]) for name, v in parts.items()}

    def _probability(self, score: Floats, replicate: int | None = None) -> Floats:
        columns = [
            c(score[:, i]) if replicate is None else c.replicate(replicate, score[:, i])
            for i, c in zip(self._calibrated_classes(), self._calibrators, strict=True)
        ]
        if len(columns) == 1:
            return np.stack([1 - columns[0], columns[0]], axis=1)
        p = np.stack(columns, axis=1)
        total = p.sum(axis=1, keepdims=True)
        # where no class is probable, none is preferred
        return np.where(total > 0, p / np.where(total > 0, total, 1), 1 / p.shape[1])

    def _calibration_variance(self, score: Floats, predicted: Floats) -> dict[str, float]:
        step = -(-len(score) // ROWS_FOR_REPLICATES)
        some, yhat = score[::step], predicted[::step]
        one = np.ones(len(some))
        replicates = [
            Rows(self._probability(some, b), yhat, some, one) for b in range(self.bootstraps)
        ]
        return {
            name: _variance([metric(rows) for rows in replicates])
            for name, metric in self._metrics.items()
        }

    def _as_estimate(self, part: Value | None, variance: float, n: int, ignored: int) -> Estimate:
        m = measured(part, variance, n)
        says = f"{ASSUMPTION}; {self._contradiction}" if self._contradiction else ASSUMPTION
        return Estimate(m.value, m.lower, m.upper, n, m.state, says, self.trusted, ignored)


def _require_enough(reference: Labelled) -> None:
    counts = np.bincount(reference.label, minlength=len(reference.classes))
    if counts.sum() < LEAST_ROWS or counts.min() < LEAST_OF_EACH:
        raise BadInput(
            f"the reference holds {counts.sum():,} labelled rows, of the rarest class {counts.min():,};"
            f" expected at least {LEAST_ROWS} and {LEAST_OF_EACH}",
            fix="fit on a longer reference",
        )


def _label_variance(rows: Rows, part: Value | None) -> float:
    """The variance that is due to each row's outcome being one of the classes by chance."""
    if part is None:
        return 0.0
    h, p = part.by_outcome, rows.outcome
    return float(((p * h**2).sum(axis=1) - (p * h).sum(axis=1) ** 2).sum())


def _variance(parts: list[Value | None]) -> float:
    values = [part.value for part in parts if part is not None]
    return float(np.var(values, ddof=1)) if len(values) > 1 else 0.0


def _comparisons(
    pairs: dict[str, tuple[tuple[Value | None, float], Value | None]], level: float
) -> tuple[Comparison, ...]:
    usable = [
        (name, estimate, variance, real)
        for name, ((estimate, variance), real) in pairs.items()
        if estimate is not None and real is not None
        if min(estimate.support, real.support) >= LEAST_SUPPORT
    ]
    return tuple(
        compare(name, estimate.value, real.value, variance, level / len(usable))
        for name, estimate, variance, real in usable
    )


def _contradiction(comparisons: tuple[Comparison, ...]) -> str:
    worst = min((c for c in comparisons if c.contradicts), key=lambda c: c.p, default=None)
    return "" if worst is None else f"contradicted by matured labels: {worst}"
