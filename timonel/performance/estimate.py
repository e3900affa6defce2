"""Performance without labels: confidence-based performance estimation (CBPE), and the check of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from timonel.errors import BadInput
from timonel.performance.contradiction import Check, compare_all, contradiction, spent_level
from timonel.performance.expectation import Expected, OutcomeModel
from timonel.performance.intervals import measured
from timonel.performance.metrics import METRICS
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
        self._model: OutcomeModel | None = None
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
        require_enough(reference)
        rng = np.random.default_rng(self.seed)
        self.classes = reference.classes
        self.reference = realised(reference, tuple(self._metrics))
        self._model = OutcomeModel.fit(reference.score, reference.label, rng, self.bootstraps)
        self._checks, self._contradiction = 0, ""
        return self

    def estimate(self, y_score: ArrayLike, y_pred: ArrayLike) -> dict[str, Estimate]:
        """The metrics that labels would show, if the assumption holds."""
        model = self._fitted()
        score, predicted, n_ignored = self._read(y_score, y_pred)
        expected = model.expect(self._metrics, score, predicted)
        return {
            name: as_estimate(e, len(score), self._contradiction, n_ignored)
            for name, e in expected.items()
        }

    def check(self, y_true: ArrayLike, y_score: ArrayLike, y_pred: ArrayLike) -> Check:
        """Compare the estimates with matured labels; once contradicted, estimates are untrusted until `fit`.

        Pass each matured row once, in windows as they mature. The k-th check has the level
        alpha/(k(k+1)), shared by the metrics, so that the probability of ever distrusting a valid
        estimate is at most alpha, however many checks there are. Rows that bear no comparison are not
        counted as a check.
        """
        model = self._fitted()
        matured = labelled(y_true, y_score, y_pred, classes=self.classes)
        truth = matured.rows
        expected = model.expect(self._metrics, truth.score, truth.predicted)
        shown = {name: metric(truth) for name, metric in self._metrics.items()}
        level = spent_level(self.alpha, self._checks + 1)
        comparisons = compare_all(expected, shown, level)
        self._checks += bool(comparisons)
        self._contradiction = self._contradiction or contradiction(comparisons)
        return Check(self._checks, level, len(matured.label), comparisons, self.trusted)

    def to_dict(self) -> dict[str, object]:
        """The fitted estimator as plain JSON values."""
        return {
            "metrics": list(self._metrics),
            "alpha": self.alpha,
            "bootstraps": self.bootstraps,
            "seed": self.seed,
            "classes": list(self.classes),
            "reference": {name: m.to_dict() for name, m in self.reference.items()},
            "model": self._fitted().to_dict(),
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
        cbpe._model = OutcomeModel.from_dict(saved["model"])
        cbpe._checks, cbpe._contradiction = saved["checks"], saved["contradiction"]
        return cbpe

    def _fitted(self) -> OutcomeModel:
        if self._model is None:
            raise BadInput("CBPE is not fitted", fix="call fit(y_true, y_score, y_pred) first")
        return self._model

    def _read(self, y_score: ArrayLike, y_pred: ArrayLike) -> tuple[Floats, Floats, int]:
        classes = self.classes
        score, predicted = read_scores(y_score), np.asarray(y_pred)
        if score.shape != (len(predicted), len(classes)):
            raise BadInput(
                f"y_score has shape {score.shape} for {len(predicted)} predictions,"
                f" expected {len(classes)} classes as in the reference"
            )
        keep = ~np.isnan(score).any(axis=1)
        one = np.eye(len(classes))
        return score[keep], one[encode(predicted[keep], classes)], int((~keep).sum())


def as_estimate(expected: Expected, n: int, contradiction: str, n_ignored: int) -> Estimate:
    """An expected metric with its interval and its assumption; a contradiction takes the trust away."""
    m = measured(expected.value, expected.variance, n)
    says = f"{ASSUMPTION}; {contradiction}" if contradiction else ASSUMPTION
    return Estimate(m.value, m.lower, m.upper, n, m.state, says, not contradiction, n_ignored)


def require_enough(reference: Labelled) -> None:
    """Raises BadInput if the reference is too small to calibrate on."""
    counts = np.bincount(reference.label, minlength=len(reference.classes))
    if counts.sum() < LEAST_ROWS or counts.min() < LEAST_OF_EACH:
        raise BadInput(
            f"the reference holds {counts.sum():,} labelled rows, of the rarest class {counts.min():,};"
            f" expected at least {LEAST_ROWS} and {LEAST_OF_EACH}",
            fix="fit on a longer reference",
        )
