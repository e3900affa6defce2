"""Fixed grids: the same cells for every window and every reference, so that all histograms can be added.

A value finds its cell by the leading bits of its float32 form in a table: whole-number work, the same
on every machine, a few nanoseconds a value.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.integer[Any]]

_SHIFT = 14
"""Bits of the mantissa that are left out: 512 steps an octave, each 0.2 % wide at most."""


@dataclass(frozen=True)
class Grid:
    """Cells between ascending edges: cell 0 lies below the first, the last from the last edge up."""

    wanted: tuple[float, ...]
    """The edges asked for, positive; the grid's own lie up to 0.2 % below."""

    @cached_property
    def edges(self) -> Floats:
        """The edges, each the least float32 of its cell."""
        steps = np.array(self.wanted, dtype=np.float32).view(np.int32) >> _SHIFT
        return _values(steps).astype(np.float64)

    @cached_property
    def _first(self) -> int:
        return int(self.edges[:1].astype(np.float32).view(np.int32)[0] >> _SHIFT) - 1

    @cached_property
    def _table(self) -> Codes:
        last = int(self.edges[-1:].astype(np.float32).view(np.int32)[0] >> _SHIFT)
        values = _values(np.arange(self._first, last + 1, dtype=np.int32))
        return np.searchsorted(self.edges, values, side="right").astype(np.uint16)

    def codes(self, values: NDArray[Any]) -> Codes:
        """The cell of each value; one below 0 is in cell 0, NaN in the last."""
        steps = (values.astype(np.float32).view(np.int32) >> _SHIFT) - self._first
        return self._table.take(steps, mode="clip")


def _values(steps: NDArray[np.int32]) -> NDArray[np.float32]:
    return (steps << _SHIFT).view(np.float32)


def _geometric(start: float, end: float, ratio: float) -> Floats:
    """From start up to end (excluded), each at most `ratio` times the one before."""
    count = int(np.ceil(np.log(end / start) / np.log(ratio)))
    return start * (end / start) ** (np.arange(count) / count)


_COARSE, _FINE = 1.2, 1.048
LATENCY = Grid(
    (
        *_geometric(10, 100, _COARSE),
        *_geometric(100, 1e7, _FINE),
        *_geometric(1e7, 6e8, _COARSE),
        6e8,
    )
)
"""Microseconds from 10 us to 600 s."""
LATENCY_CELLS = len(LATENCY.wanted) + 1
LATENCY_BOUND = 0.025
"""Relative error of the middle of a cell, from 100 us to 10 s; four times that beyond."""

LOGIT_STEP = 0.125
LOGIT_END = 10.0
_HALF = round(LOGIT_END / LOGIT_STEP)
_LOWER = Grid(tuple(1 / (1 + np.exp(LOGIT_STEP * np.arange(_HALF, 0, -1)))))
SCORE_CELLS = 2 * _HALF + 2
"""Cells of a probability: steps of 1/8 in its logit from -10 to 10, and one at either end."""
NO_SCORE = SCORE_CELLS
"""The cell of a score that is not known."""
SCORE_WIDTH = SCORE_CELLS + 1


def score_codes(scores: Floats) -> Codes:
    """The cell of each probability, in ascending order; NO_SCORE for NaN."""
    high = scores >= 0.5
    # 1 - p keeps its digits near 0, so that both ends are equally fine
    below = np.minimum(_LOWER.codes(np.where(high, 1 - scores, scores)), _HALF)
    codes = np.where(high, SCORE_CELLS - 1 - below, below)
    unknown = np.isnan(scores)
    if unknown.any():
        codes[unknown] = NO_SCORE
    return codes


def _score_at() -> Floats:
    steps = np.arange(-_HALF, _HALF) + 0.5
    # the end cells reach to the last digit of a double: of their logits, the middle
    ends = (LOGIT_END - math.log(np.finfo(np.float64).eps)) / 2
    return np.asarray(1 / (1 + np.exp(-np.concatenate([[-ends], steps * LOGIT_STEP, [ends]]))))


SCORE_AT = _score_at()
"""The probability in the middle of each cell, (SCORE_CELLS,)."""


def _score_within(points: int = 8) -> Floats:
    places = (np.arange(points) + 0.5) / points - 0.5
    middle = np.log(SCORE_AT / (1 - SCORE_AT))
    return np.asarray(1 / (1 + np.exp(-(middle[:, None] + places * LOGIT_STEP))))


SCORE_WITHIN = _score_within()
"""Probabilities evenly spread over each cell (of the end cells, around their middle), (SCORE_CELLS, 8)."""


def middles() -> Floats:
    """The middle of each latency cell in microseconds, (LATENCY_CELLS,).

    It is the harmonic mean of the cell's edges, whose relative error is the least possible.
    """
    low, high = LATENCY.edges[:-1], LATENCY.edges[1:]
    inner = 2 * low * high / (low + high)
    return np.concatenate([[LATENCY.edges[0] / 2], inner, [LATENCY.edges[-1]]])
