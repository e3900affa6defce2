"""How much worse a challenger is than the champion on the same rows, and how sure that is."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.anomalies.tails import student_limit, student_sf
from timonel.performance.value import Measured, State

Floats = NDArray[np.floating[Any]]

LEAST_UNITS = 30
"""Rows, or entities, below which a mean of paired differences is not judged."""
MOST_FREEDOM = 1000
"""Beyond it Student's t is the normal distribution for every purpose here."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """The challenger's loss less the champion's: above 0 the challenger is worse."""

    value: float
    error: float
    """Standard error of `value`."""
    units: int
    """Independent units behind it: rows, or entities."""
    n: int
    """Rows."""

    @property
    def decidable(self) -> bool:
        """Whether there is enough to judge by."""
        return self.units >= LEAST_UNITS

    def p_above(self, margin: float) -> float:
        """The p-value against "the challenger is worse by at most `margin`"."""
        return self._tail(self.value - margin)

    def p_below(self, margin: float) -> float:
        """The p-value against "the challenger is worse by at least `margin`"."""
        return self._tail(margin - self.value)

    def interval(self, alpha: float) -> Measured:
        """The interval whose ends each hold at 1 - alpha."""
        if not self.decidable:
            return Measured.absent(State.TOO_FEW, self.n)
        half = self._limit(alpha) * self.error
        return Measured(self.value, self.value - half, self.value + half, self.n)

    def detectable(self, alpha: float, power: float = 0.8) -> float:
        """The true difference that a test at `alpha` would see with this probability."""
        return (self._limit(alpha) + self._limit(1 - power)) * self.error

    def _limit(self, level: float) -> float:
        return student_limit(level, self._freedom)

    def _tail(self, distance: float) -> float:
        if self.error == 0:
            return 0.0 if distance > 0 else 1.0
        return student_sf(distance / self.error, self._freedom)

    @property
    def _freedom(self) -> int:
        return max(1, min(self.units - 1, MOST_FREEDOM))


def paired(challenger: Floats, champion: Floats, entity: NDArray[Any] | None = None) -> Contrast:
    """The mean difference of two losses (n,) of the same rows; rows of one entity count as one unit.

    The standard error is the cluster-robust one of a mean, sums of residuals by entity, times
    sqrt(G / (G - 1)) for G entities (Cameron and Miller 2015, section II).
    """
    difference = np.asarray(challenger, np.float64) - np.asarray(champion, np.float64)
    n = len(difference)
    if n == 0:
        return Contrast(0.0, 0.0, 0, 0)
    mean = float(difference.mean())
    residuals: NDArray[Any] = difference - mean
    if entity is not None:
        code = np.unique(entity, return_inverse=True)[1]
        residuals = np.bincount(code, weights=residuals)
    units = len(residuals)
    if units < 2:
        return Contrast(mean, 0.0, units, n)
    error = math.sqrt(float(residuals @ residuals) * units / (units - 1)) / n
    return Contrast(mean, error, units, n)
