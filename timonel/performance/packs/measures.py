"""Counters of a window made into measured values: ratios, means and counts, each with its interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.performance.intervals import LEAST_SUPPORT, Z, wilson
from timonel.performance.value import Measured, State

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

FIXED = float(1 << 30)
"""Real quantities are added up as whole numbers of 1 / FIXED: exact in any order, to 1e-9."""


@dataclass(frozen=True, eq=False)
class Binned(Measured):
    """A metric read from a histogram: the value of the rows themselves is at most `bound` away.

    The interval holds the bound besides the chance of the sample.
    """

    bound: float | None = None

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {**super().to_dict(), "bound": self.bound}


def fixed(values: NDArray[Any], scale: float = FIXED) -> Counts:
    """Whole numbers of 1 / scale; NaN adds nothing."""
    whole: Counts = np.rint(np.nan_to_num(values) * scale).astype(np.int64)
    return whole


def count(n: int, of: int) -> Measured:
    """How many rows of `of` there are; unknown in an empty window."""
    return Measured(float(n), None, None, of) if of else Measured.absent(State.NO_DATA)


def share(part: int, whole: int, rows: int | None = None) -> Measured:
    """A share of rows with Wilson's 95 % interval; `rows` are those that might have been in `whole`."""
    part, whole = int(part), int(whole)
    if not whole:
        return Measured.absent(State.UNDEFINED if rows else State.NO_DATA, rows or 0)
    if whole < LEAST_SUPPORT:
        return Measured.absent(State.TOO_FEW, whole)
    value = part / whole
    lower, upper = wilson(value, value * (1 - value) / whole, whole)
    return Measured(value, lower, upper, whole)


def ratio(
    counts: Sequence[int],
    above: Sequence[float],
    below: Sequence[float],
    weight: Sequence[float],
) -> Measured:
    """The ratio, between 0 and 1, of two sums over rows, with its 95 % interval by the delta method.

    Its n is that of the rows in the denominator; of rows that count unequally, what they are worth.

    Args:
        counts: rows in each cell.
        above: what a row of each cell adds to the numerator.
        below: what it adds to the denominator.
        weight: how much a row of each cell counts, such as 1 / its probability of being labelled.
    """
    n = sum(counts)
    if not n:
        return Measured.absent(State.NO_DATA)
    total = found = squares = 0.0
    for c, a, b, w in zip(counts, above, below, weight, strict=True):
        total += w * c * b
        found += w * c * a
        squares += w * w * c * b * b
    if total <= 0:
        return Measured.absent(State.UNDEFINED, n)
    support = total**2 / squares
    if support < LEAST_SUPPORT - 1e-9:
        return Measured.absent(State.TOO_FEW, n)
    value = min(found / total, 1.0)
    variance = 0.0
    for c, a, b, w in zip(counts, above, below, weight, strict=True):
        variance += w * w * c * (a - value * b) ** 2
    lower, upper = wilson(value, variance / total**2, support)
    return Measured(value, lower, upper, round(support))


def mean(
    total: float, variance: float, n: int, support: float | None = None, least: float = -math.inf
) -> Measured:
    """The mean of n rows with this sum and variance a row, its 95 % interval by the normal law.

    `support` is how many rows the mean is worth if they count unequally; the interval ends at `least`.
    """
    support = n if support is None else support
    if not n:
        return Measured.absent(State.NO_DATA)
    if support < LEAST_SUPPORT:
        return Measured.absent(State.TOO_FEW, n)
    value = total / n
    half = Z * math.sqrt(max(variance, 0.0) / support)
    return Measured(value, max(value - half, min(least, value)), value + half, n)


def moments(values: NDArray[Any], scale: float = FIXED) -> tuple[NDArray[np.int8], Counts]:
    """Places and amounts (n, 3) of a field [known rows, sum, sum of squares]; NaN is not known."""
    known = ~np.isnan(values)
    amount = np.stack(
        [known.astype(np.int64), fixed(values, scale), fixed(values * values, scale)], axis=1
    )
    return np.broadcast_to(np.arange(3, dtype=np.int8), amount.shape), amount


def mean_of(sums: Counts, scale: float = FIXED, least: float = 0.0) -> Measured:
    """The mean of a field of `moments`."""
    n, total, squares = int(sums[0]), int(sums[1]) / scale, int(sums[2]) / scale
    if n < 2:
        return mean(total, 0.0, n)
    return mean(total, (squares - total**2 / n) / (n - 1), n, least=least)
