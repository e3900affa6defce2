"""Distances between numeric columns of a window and of the reference, all columns at once.

Nothing of the reference is sorted or walked through again. Of a window's values only those are looked up
in it that may decide a distance: a window of m rows costs its own sorting and little more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.drift.numeric_table import BINS, FINE, NumericTable, WindowPlan

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Distances:
    """One entry a column; NaN where a distance has no value (an empty side, a constant reference)."""

    ks: Floats
    wasserstein: Floats
    """W1, the area between the two distribution functions, in the reference's standard deviations."""
    bins: Ints
    """The window's rows in the reference's quantile bins, (columns, BINS)."""


def distances(reference: NumericTable, window: Sequence[Floats]) -> Distances:
    """Compare sorted windows, one a column of the reference and without missing values, with it."""
    count = len(window)
    result = Distances(
        np.full(count, np.nan), np.full(count, np.nan), np.zeros((count, BINS), dtype=np.int64)
    )
    sizes = np.array([len(values) for values in window], dtype=np.int64)
    for size in np.unique(sizes[(sizes > 0) & (reference.rows > 0)]).tolist():
        which = np.flatnonzero((sizes == size) & (reference.rows > 0))
        values = np.stack([window[i] for i in which])
        upto = np.stack([window[i].searchsorted(reference.edges[i], side="right") for i in which])
        result.ks[which] = kolmogorov_smirnov(reference, which, values, upto)
        result.bins[which] = np.diff(upto[:, FINE - 1 :: FINE], axis=1, prepend=0, append=size)
        result.wasserstein[which] = wasserstein(reference, which, values)
    return result


def kolmogorov_smirnov(reference: NumericTable, which: Ints, values: Floats, upto: Ints) -> Floats:
    """D of each column, exact: gaps are counted in whole n m-ths.

    `upto` has the window's rows up to each of the reference's edges. Distribution functions never fall,
    so their values at two edges bound the gaps in between; only the window's values between edges whose
    bound exceeds the greatest gap seen are looked up.
    """
    size, rows = values.shape[1], reference.rows[which]
    below = reference.below[which] * size
    now = upto * rows[:, None]
    greatest = np.abs(below - now).max(1)
    low, high = _from_zero(below, rows * size), _from_zero(now, rows * size)
    bound = np.maximum(low[:, 1:] - high[:, :-1], high[:, 1:] - low[:, :-1])
    row, stretch = np.nonzero(bound > greatest[:, None])
    first, last = high[row, stretch] // rows[row], high[row, stretch + 1] // rows[row]
    _refine(reference, which, values, row, first, last, greatest)
    return np.asarray(greatest / (rows * size))


def _from_zero(inner: Ints, end: Ints) -> Ints:
    return np.concatenate([np.zeros((len(inner), 1), dtype=np.int64), inner, end[:, None]], axis=1)


def _refine(
    reference: NumericTable,
    which: Ints,
    values: Floats,
    row: Ints,
    first: Ints,
    last: Ints,
    greatest: Ints,
) -> None:
    """Raise `greatest` by the gaps at, and just before, the values from `first` up to `last` of a row."""
    count = last - first
    ends = np.cumsum(count)
    place = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - ends + count, count)
    at = np.repeat(row, count)
    below, upto = reference.lookup.ranks(which[at], values[at, place])
    rows, size = reference.rows[which[at]], values.shape[1]
    under, above = below * size - place * rows, (place + 1) * rows - upto * size
    np.maximum.at(greatest, at, np.maximum(under, above))


def wasserstein(reference: NumericTable, which: Ints, values: Floats) -> Floats:
    """The mean over the window's values y of |Q - y| over the stretch of the reference's quantiles Q.

    That mean is |mean(Q) - y| unless y lies inside the stretch, and then y is near the mean.
    """
    plan = reference.plan(which, values.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        parts = values - plan.mean
        np.abs(parts, out=parts)
        row, column = np.nonzero(parts < plan.radius)
        inside = (row.astype(np.int64), column.astype(np.int64))
        parts[inside] = _around(reference, plan, which[inside[0]], values[inside], inside)
        total = parts.mean(1) * reference.slope[which]
    return np.asarray(np.where(np.isfinite(total), total, np.nan))


def _around(
    reference: NumericTable, plan: WindowPlan, column: Ints, values: Floats, at: tuple[Ints, Ints]
) -> Floats:
    """The mean of |Q - y| over stretches from a to b: Q is below y up to c.

    With P the running sum of Q it is (y (2c - a - b) - 2 P(c) + P(a) + P(b)) / (b - a).
    """
    row, place = at
    slope, width = reference.slope[column], reference.rows[column] / plan.mean.shape[1]
    a, b = width * place, width * (place + 1)
    at_a, at_b = plan.sums[row, place], plan.sums[row, place + 1]
    below, _ = reference.lookup.ranks(column, values)
    at_c = reference.prefix.take(below + reference.start[column])
    at_c = np.where(below <= a, at_a, np.where(below >= b, at_b, at_c))
    lean = 2 * np.minimum(np.maximum(below, a), b) - a - b
    y = values * slope + reference.intercept[column]
    return np.asarray((y * lean - 2 * at_c + at_a + at_b) / (width * slope))
