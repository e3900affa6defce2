"""Ranking quality of a score from its histograms by label: ROC AUC, average precision, precision at the top.

What the order within a cell could change is the metric's `bound`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.performance.intervals import LEAST_SUPPORT, wilson
from timonel.performance.packs.auc import auc_interval
from timonel.performance.packs.kept import Kept
from timonel.performance.packs.measures import Binned
from timonel.performance.value import Measured, State

Floats = NDArray[np.float64]

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(8)  # type: ignore[no-untyped-call]  # numpy's own gap


@dataclass(frozen=True, eq=False)
class Scored:
    """Labelled rows by cell of their score, ascending, in groups that count with different weights."""

    counts: NDArray[np.int64]
    """(groups, 2, cells): negatives, then positives."""
    weight: tuple[float, ...]
    """Of a row of each group."""

    @Kept
    def _rows(self) -> list[list[int]]:
        found: list[list[int]] = self.counts.sum(axis=2).tolist()
        return found

    @Kept
    def negative_rows(self) -> list[int]:
        """Negatives by group."""
        return [negatives for negatives, _ in self._rows]

    @Kept
    def positive_rows(self) -> list[int]:
        """Positives by group."""
        return [positives for _, positives in self._rows]

    @Kept
    def n(self) -> int:
        """Rows."""
        return sum(self.negative_rows) + sum(self.positive_rows)

    @Kept
    def sides(self) -> Floats:
        """Weighted rows by cell, (2, cells)."""
        return self._weighted(self.weight)

    @Kept
    def squares(self) -> Floats:
        """The same with the squares of the weights."""
        if self.weight == (1.0,):
            return self.sides
        return self._weighted([weight * weight for weight in self.weight])

    def _weighted(self, weight: Sequence[float]) -> Floats:
        total: Floats = self.counts[0] * weight[0]
        for rows, each in zip(self.counts[1:], weight[1:], strict=True):
            total = total + rows * each
        return total

    @property
    def negative(self) -> Floats:
        """Weighted negatives by cell."""
        side: Floats = self.sides[0]
        return side

    @property
    def positive(self) -> Floats:
        """Weighted positives by cell."""
        side: Floats = self.sides[1]
        return side

    def total(self) -> tuple[float, float]:
        """The sum of the weights, and Kish's number of equally weighted rows that they are worth."""
        rows = [a + b for a, b in zip(self.negative_rows, self.positive_rows, strict=True)]
        return self.sum_of(rows), self.worth(rows)

    def sum_of(self, rows: Sequence[int]) -> float:
        """The weights of so many rows of each group."""
        return sum(w * n for w, n in zip(self.weight, rows, strict=True))

    def worth(self, rows: Sequence[int]) -> float:
        """Kish's number of equally weighted rows that so many of each group are worth."""
        if len(rows) == 1:
            return float(rows[0])
        squares = sum(w * w * n for w, n in zip(self.weight, rows, strict=True))
        return self.sum_of(rows) ** 2 / squares if squares else 0.0

    def state(self) -> State | None:
        """Why there is no figure that needs both classes; None: there is."""
        if not self.n:
            return State.NO_DATA
        rarer = min(self.worth(self.negative_rows), self.worth(self.positive_rows))
        if not rarer:
            return State.UNDEFINED
        return State.TOO_FEW if rarer < LEAST_SUPPORT - 1e-9 else None


def roc_auc(rows: Scored) -> Measured:
    """The probability that a positive scores above a negative; pairs in one cell count half.

    The interval is `auc_interval` with DeLong's variance (1988), exact on the cells, and the bound.
    """
    state = rows.state()
    if state:
        return Measured.absent(state, rows.n)
    n, p = rows.sum_of(rows.negative_rows), rows.sum_of(rows.positive_rows)
    # by cell: the shares of negatives and of positives that score lower
    lower = (rows.sides.cumsum(axis=1) - rows.sides * 0.5) / np.array([[n], [p]])
    value = min(float(rows.positive @ lower[0]) / p, 1.0)
    apart = (lower - np.array([[value], [1 - value]])) ** 2
    variance = float(rows.squares[1] @ apart[0]) / p**2 + float(rows.squares[0] @ apart[1]) / n**2
    support = rows.worth(rows.positive_rows), rows.worth(rows.negative_rows)
    interval = auc_interval(value, variance, *support)
    bound = float(rows.negative @ rows.positive) / (2 * n * p)
    return _bounded(value, interval, rows.n, (value - bound, value + bound))


def average_precision(rows: Scored) -> Measured:
    """The area under the precision-recall curve as a sum over recall steps, as scikit-learn has it.

    Within a cell positives and negatives are taken to alternate evenly. The interval is the binomial one
    with as many rows as positives (Boyd, Eng and Page 2013), and the bound.
    """
    state = rows.state()
    if state:
        return Measured.absent(state, rows.n)
    negative, positive = rows.negative[::-1], rows.positive[::-1]
    used = positive > 0
    hits, misses = np.cumsum(positive) - positive, np.cumsum(negative) - negative
    a, b, p, n = (x[used] for x in (hits, misses, positive, negative))
    total = p.sum()
    value = float(p @ _even(a, b, p, n) / total)
    weights = [w for w, some in zip(rows.weight, rows.positive_rows, strict=True) if some]
    lowest = _last(a, b + n, p, weights[0] if len(weights) == 1 else 0.0) / float(total)
    highest = float(p @ ((a + p) / (a + p + b)) / total)
    support = rows.worth(rows.positive_rows)
    interval = wilson(value, value * (1 - value) / support, support)
    return _bounded(value, interval, rows.n, (lowest, highest))


def _even(a: Floats, b: Floats, p: Floats, n: Floats) -> Floats:
    """Mean precision over a cell in which hits and misses alternate (Gauss-Legendre, 8 points)."""
    hit = (_POINTS[:, None] + 1) / 2 * p + 0.5
    precision = (a + hit) / (a + hit + b + n * hit / (p + 1))
    return np.asarray(_WEIGHTS / 2 @ precision, dtype=np.float64)


def _last(a: Floats, b: Floats, p: Floats, unit: float) -> float:
    """The sum of precisions if each cell's positives come after its negatives, from below.

    Each positive weighs `unit`, 0: they differ. It is the sum over i of (a + i) / (a + i + b), and
    1 / j <= ln((j + 1/2) / (j - 1/2)).
    """
    low = a + b
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = np.where(b > 0, b * np.log((low + p + unit / 2) / (low + unit / 2)), 0.0)
    return float((p - lost).clip(min=0).sum())


def top_precision(rows: Scored, served: NDArray[np.int64], k: float) -> Measured:
    """The share of positives among the k highest-scored of all served rows, told from their labelled part.

    Args:
        rows: the labelled rows.
        served: all scored rows by cell, labelled or not.
        k: how many of them; all where there are fewer.
    """
    if not rows.n:
        return Measured.absent(State.NO_DATA)
    negative, positive = rows.negative, rows.positive
    below = np.cumsum(served[::-1])[::-1] - served
    part = np.clip((k - below) / np.maximum(served, 1), 0.0, 1.0)
    labelled = part * (negative + positive)
    total, found = float(labelled.sum()), float(part @ positive)
    squares = float(rows.squares.sum(axis=0) @ part)
    if total <= 0:
        return Measured.absent(State.UNDEFINED, rows.n)
    support = total**2 / squares
    if min(support, k) < LEAST_SUPPORT - 1e-9:
        return Measured.absent(State.TOO_FEW, rows.n)
    value = found / total
    cut = (part > 0) & (part < 1)
    ends = [
        float((positive @ (part == 1) + end) / total)
        for end in _ends(cut, part, negative, positive)
    ]
    interval = wilson(value, value * (1 - value) / support, support)
    return _bounded(value, interval, round(support), (ends[0], ends[1]))


def _ends(
    cut: NDArray[np.bool_], part: Floats, negative: Floats, positive: Floats
) -> tuple[float, float]:
    """The least and the greatest number of positives that the chosen part of the cut cell may hold."""
    if not cut.any():
        return 0.0, 0.0
    n, p, t = float(negative[cut][0]), float(positive[cut][0]), float(part[cut][0])
    return max(t * (n + p) - n, 0.0), min(t * (n + p), p)


def _bounded(
    value: float, interval: tuple[float, float], n: int, ends: tuple[float, float]
) -> Measured:
    """The value with its interval, widened by what the histogram leaves open."""
    low, high = min(ends[0], value), max(ends[1], value)
    lower, upper = interval
    lower, upper = max(0.0, lower - (value - low)), min(1.0, upper + high - value)
    return Binned(value, lower, upper, n, bound=max(value - low, high - value))
