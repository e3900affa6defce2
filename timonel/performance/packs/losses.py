"""How far probabilities are from outcomes: Brier score, log loss, expected calibration error."""

import math

import numpy as np
from numpy.typing import NDArray

from timonel.performance.intervals import LEAST_SUPPORT, Z
from timonel.performance.packs.curves import Scored
from timonel.performance.packs.grids import LOGIT_END, LOGIT_STEP, SCORE_AT, SCORE_CELLS
from timonel.performance.packs.measures import mean
from timonel.performance.value import Measured, State

Floats = NDArray[np.float64]
LEAST = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1 in the log loss, as scikit-learn does."""

_CELLS_A_BAND = round(1 / LOGIT_STEP)
BANDS = round(2 * LOGIT_END)
"""Bands of scores for the calibration error, each 1 wide in the logit; the outer two take the rest."""


def band(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """The band of each cell of the score's grid."""
    return ((cells - 1) // _CELLS_A_BAND).clip(0, BANDS - 1)


BAND_OF_CELL = band(np.arange(SCORE_CELLS))


def square_loss(score: Floats, actual: NDArray[np.int64]) -> Floats:
    """Squared distance of each probability to the outcome."""
    return np.asarray((score - actual) ** 2, dtype=np.float64)


def log_loss(score: Floats, actual: NDArray[np.int64]) -> Floats:
    """-ln of the probability that was given to the outcome."""
    right = np.where(actual == 1, score, 1 - score)
    return np.asarray(-np.log(np.clip(right, LEAST, 1 - LEAST)), dtype=np.float64)


def mean_loss(total: float, loss: tuple[Floats, Floats], rows: Scored) -> Measured:
    """The mean of a loss; its interval by the variance that the rows' cells have.

    Args:
        total: sum of the weighted losses.
        loss: what a negative and a positive lose in the middle of each cell.
        rows: the rows by cell.
    """
    if not rows.n:
        return Measured.absent(State.NO_DATA)
    weight, support = rows.total()
    sides = rows.negative, rows.positive
    sums = [sum(side @ of**i for side, of in zip(sides, loss, strict=True)) for i in (1, 2)]
    variance = float(sums[1] / weight - (sums[0] / weight) ** 2)
    return mean(total / weight * rows.n, variance, rows.n, support, least=0.0)


SQUARE_LOSS = (SCORE_AT**2, (1 - SCORE_AT) ** 2)
LOG_LOSS = (-np.log(1 - SCORE_AT), -np.log(SCORE_AT))


def calibration_error(
    gaps: Floats, positives: Floats, rows: Floats, brier: float, support: float, n: int
) -> Measured:
    """Expected calibration error over the bands: sum |gap| / rows (Naeini, Cooper and Hauskrecht 2015).

    Chance alone makes it positive, by up to sum sqrt(2 / pi) sd(gap) / rows, which the interval allows for
    at its lower end; a lower end above 0 is miscalibration.

    Args:
        gaps: sum of score - outcome by band, weighted like all that follows.
        positives: positive rows by band.
        rows: rows by band.
        brier: the mean squared loss.
        support: how many equally weighted rows they are worth.
        n: rows, unweighted.
    """
    if not n:
        return Measured.absent(State.NO_DATA)
    if support < LEAST_SUPPORT:
        return Measured.absent(State.TOO_FEW, n)
    total = float(rows.sum())
    value = float(np.abs(gaps).sum()) / total
    rate = (positives + 0.5) / (rows + 1)
    weight = total / support
    chance = (
        float(np.sqrt(rows * weight * rate * (1 - rate)).sum()) * math.sqrt(2 / math.pi) / total
    )
    half = Z * math.sqrt(max(brier - value**2, 0.0) / support)
    return Measured(value, max(value - chance - half, 0.0), min(value + half, 1.0), n)
