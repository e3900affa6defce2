"""Quantiles of a histogram, with intervals that assume no distribution."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.performance.intervals import LEAST_SUPPORT, Z
from timonel.performance.packs.measures import Binned
from timonel.performance.value import Measured, State

Floats = NDArray[np.float64]


def quantile(cells: NDArray[Any], q: float, edges: Floats, middles: Floats) -> Measured:
    """The q-quantile, between two rows interpolated as `numpy.quantile` does.

    Each row is taken to lie in the middle of its cell; `bound` is how far off that can be. The 95 %
    interval is that between two order statistics, by the normal approximation of the binomial number of
    rows below the quantile, from the lower edge of the one's cell to the upper edge of the other's. An
    end that the rows are too few for is None.

    Args:
        cells: rows in each cell, (k,).
        q: between 0 and 1.
        edges: the cells' edges, (k + 1,), the last perhaps infinite.
        middles: the value that stands for each cell, (k,).
    """
    n = int(cells.sum())
    if not n:
        return Measured.absent(State.NO_DATA)
    if n < LEAST_SUPPORT:
        return Measured.absent(State.TOO_FEW, n)
    upto = np.cumsum(cells)
    low, high, part = _neighbours(n, q)
    a, b = _cell(upto, low), _cell(upto, high)
    value = float((1 - part) * middles[a] + part * middles[b])
    spread = Z * math.sqrt(n * q * (1 - q))
    first, last = math.floor(n * q - spread) - 1, math.ceil(n * q + spread)
    lower = float(edges[_cell(upto, first)]) if first >= 0 else None
    upper = float(edges[_cell(upto, last) + 1]) if last < n else None
    off = np.maximum(middles - edges[:-1], edges[1:] - middles)
    bound = float((1 - part) * off[a] + part * off[b])
    return Binned(value, _finite(lower), _finite(upper), n, bound=_finite(bound))


def _neighbours(n: int, q: float) -> tuple[int, int, float]:
    """The ranks from 0 on either side of the quantile, and how far it is from the first."""
    at = (n - 1) * q
    low = math.floor(at)
    return low, min(low + 1, n - 1), at - low


def _cell(upto: NDArray[Any], rank: int) -> int:
    return int(np.searchsorted(upto, rank, side="right"))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
