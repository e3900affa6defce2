"""The figures of models with two outcomes, read from their counters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from timonel.config import Costs
from timonel.performance.packs.curves import Scored, average_precision, roc_auc, top_precision
from timonel.performance.packs.decisions import DECIDED, Decisions
from timonel.performance.packs.grids import SCORE_AT, SCORE_CELLS, SCORE_WIDTH
from timonel.performance.packs.kept import Kept
from timonel.performance.packs.losses import (
    BAND_OF_CELL,
    BANDS,
    LOG_LOSS,
    SQUARE_LOSS,
    calibration_error,
    mean_loss,
)
from timonel.performance.packs.measures import FIXED, count, mean, share
from timonel.performance.packs.selection import NEGATIVE, POSITIVE, Selection
from timonel.performance.value import Measured, State

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

DAY = 86_400.0
LOSS = float(1 << 24)
"""Fixed point of losses, which are up to 36: exact to 1e-7."""


@dataclass(frozen=True)
class Terms:
    """What the figures depend on besides the counters."""

    selection: Selection
    costs: Costs
    beta: float
    cases_per_day: int


@dataclass(frozen=True, eq=False)
class BinaryWindow:
    """The counters of a window; what several figures need is worked out once."""

    sums: Mapping[str, Counts]
    seconds: float
    terms: Terms

    @Kept
    def predicted(self) -> Counts:
        """All predictions, (2, 3): explored, predicted."""
        return self.sums["binary.predicted"].reshape(2, 3)

    @Kept
    def confusion(self) -> Counts:
        """Those with their outcome, (2, 2, 3): explored, actual, predicted."""
        return self.sums["binary.confusion"].reshape(2, 2, 3)

    @Kept
    def n(self) -> int:
        """Predictions."""
        return sum(self.predicted.ravel().tolist())

    @Kept
    def labelled(self) -> int:
        """Those with their outcome."""
        return sum(self.confusion.ravel().tolist())

    @Kept
    def hidden(self) -> Measured | None:
        """What stands for the quality where suppressed labels hide it."""
        if not self.terms.selection.suppressed:
            return None
        known = not self.labelled or self.terms.selection.known(self.predicted, self.confusion)
        return None if known else Measured.absent(State.UNDEFINED, self.labelled)

    @Kept
    def weight(self) -> tuple[float, ...]:
        """How much a row of each group counts."""
        selection = self.terms.selection
        return selection.weight(self.predicted) if selection.suppressed else (1.0,)

    @Kept
    def decisions(self) -> Decisions:
        """Confusion counts."""
        free, explored = self.weight[0], self.weight[-1]
        counts = self.terms.selection.usable(self.confusion)
        weight = (free, explored, free, explored)
        return Decisions(counts, weight, self.terms.costs, self.terms.beta)

    @Kept
    def scored(self) -> Scored:
        """Scores by label."""
        cells = self.sums["binary.labelled"].reshape(-1, 2, SCORE_WIDTH)[:, :, :SCORE_CELLS]
        return Scored(cells, self.weight)

    @Kept
    def losses(self) -> Floats:
        """Weighted sums of squared and of log losses."""
        total: Floats = np.array(self.weight) @ (self.sums["binary.losses"].reshape(-1, 2) / LOSS)
        return total

    @Kept
    def brier(self) -> Measured:
        """The mean squared loss."""
        return mean_loss(float(self.losses[0]), SQUARE_LOSS, self.scored)

    def log_loss(self) -> Measured:
        """The mean log loss."""
        return mean_loss(float(self.losses[1]), LOG_LOSS, self.scored)

    def ece(self) -> Measured:
        """The expected calibration error."""
        rows, brier = self.scored, self.brier
        if not brier.ok:
            return brier
        positives = np.bincount(BAND_OF_CELL, rows.positive, BANDS).astype(np.float64)
        everyone = positives + np.bincount(BAND_OF_CELL, rows.negative, BANDS)
        gaps = np.asarray(self.weight) @ (self.sums["binary.gaps"].reshape(-1, BANDS) / FIXED)
        return calibration_error(gaps, positives, everyone, float(brier), rows.total()[1], rows.n)

    def top(self, k: float) -> Measured:
        """Precision among the k highest scores."""
        return top_precision(self.scored, self.sums["binary.scores"][:SCORE_CELLS], k)

    def alert_rate(self) -> Measured:
        """The share predicted positive of the rows that have a prediction."""
        of = self.predicted.sum(axis=0).tolist()
        return share(of[POSITIVE], of[NEGATIVE] + of[POSITIVE])

    def mean_score(self) -> Measured:
        """The exact mean of the scores; its interval by the variance of their cells."""
        cells = self.sums["binary.scores"][:SCORE_CELLS]
        n = int(cells.sum())
        if not n:
            return mean(0.0, 0.0, 0)
        variance = float(cells @ (SCORE_AT - cells @ SCORE_AT / n) ** 2) / max(n - 1, 1)
        return mean(float(self.sums["binary.score_sum"][0]) / FIXED, variance, n, least=0.0)


Figure = Callable[[BinaryWindow], Measured]

_RANKED: Mapping[str, Figure] = {
    "roc_auc": lambda window: roc_auc(window.scored),
    "pr_auc": lambda window: average_precision(window.scored),
    "brier": lambda window: window.brier,
    "log_loss": BinaryWindow.log_loss,
    "ece": BinaryWindow.ece,
    "precision_at_k": lambda window: window.top(window.terms.cases_per_day),
    "cp_at_k": lambda window: window.top(window.terms.cases_per_day * window.seconds / DAY),
}


def _decided(figure: Callable[[Decisions], Measured], window: BinaryWindow) -> Measured:
    return figure(window.decisions)


def _unless_hidden(figure: Figure, window: BinaryWindow) -> Measured:
    return figure(window) if window.hidden is None else window.hidden


_FIGURES_OF_OUTCOMES: Mapping[str, Figure] = {
    **{name: partial(_decided, figure) for name, figure in DECIDED.items()},
    **_RANKED,
}
QUALITY: Mapping[str, Figure] = {
    name: partial(_unless_hidden, figure) for name, figure in _FIGURES_OF_OUTCOMES.items()
}
"""The figures that need outcomes."""

FIGURES: Mapping[str, Figure] = {
    "n_labelled": lambda window: count(window.labelled, window.n),
    "label_share": lambda window: share(window.labelled, window.n),
    "alert_rate": BinaryWindow.alert_rate,
    "mean_score": BinaryWindow.mean_score,
    **QUALITY,
}
