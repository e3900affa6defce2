"""How long labels take, in counters."""

import numpy as np
from numpy.typing import NDArray

from timonel.windows.layout import SECOND

EDGES: NDArray[np.float64] = SECOND * 2.0 ** (np.arange(0, 51) / 2)
"""Delays in microseconds, 1 second to 388 days in steps of the square root of 2."""


def counts(delay: NDArray[np.int64]) -> NDArray[np.int64]:
    """Delays by cell, (52,): below the first edge, from each edge on; a negative delay counts as none."""
    cells = EDGES.searchsorted(delay, side="right")
    return np.bincount(cells, minlength=len(EDGES) + 1)
