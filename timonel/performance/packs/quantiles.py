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
    upto = cells.cumsum()
    n = int(upto[-1])
    if not n:
        return Measured.absent(State.NO_DATA)
    if n < LEAST_SUPPORT:
        return Measured.absent(State.TOO_FEW, n)
    low, high, part = _neighbours(n, q)
    spread = Z * math.sqrt(n * q * (1 - q))
    first, last = math.floor(n * q - spread) - 1, math.ceil(n * q + spread)
    a, b, c, d = upto.searchsorted([low, high, first, last], side="right").tolist()
    value = (1 - part) * float(middles[a]) + part * float(middles[b])
    lower = float(edges[c]) if first >= 0 else None
    upper = float(edges[d + 1]) if last < n else None
    bound = (1 - part) * _off(edges, middles, a) + part * _off(edges, middles, b)
    return Binned(value, _finite(lower), _finite(upper), n, bound=_finite(bound))


def _neighbours(n: int, q: float) -> tuple[int, int, float]:
    """The ranks from 0 on either side of the quantile, and how far it is from the first."""
    at = (n - 1) * q
    low = math.floor(at)
    return low, min(low + 1, n - 1), at - low


def _off(edges: Floats, middles: Floats, cell: int) -> float:
    """How far a row can be from the middle of its cell."""
    middle = float(middles[cell])
    return max(middle - float(edges[cell]), float(edges[cell + 1]) - middle)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
