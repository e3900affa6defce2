"""Where values stand in sorted columns, many columns at once.

A grid of even cells tells the first place that a value can have; a few steps of binary search, the same
for all values, tell the rest. A column whose values crowd into few cells is searched as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEPS = 6
"""Steps of binary search inside a cell, at most: a cell holds up to 2**6 - 1 different values."""
PAD = 1 << STEPS
"""NaNs after each column, so that a search never runs into the next one."""


@dataclass(frozen=True, slots=True)
class LookupTable:
    """The different values of sorted columns, end to end, with a grid over each column."""

    values: Floats
    """The different values of each column, PAD NaNs after them."""
    start: Ints
    """Where each column begins in `values`."""
    length: Ints
    """How many different values each column has."""
    below: Ints
    """At each place of `values`: the column's rows below that value."""
    low: Floats
    per_unit: Floats
    """Cells per unit of a column's values."""
    cells: int
    first: NDArray[np.int32]
    """(columns, cells): the place of the first value that is in the cell or behind it, from the start."""
    steps: Ints
    """Steps of binary search that a column needs; 0 for one that is searched as a whole."""

    def ranks(self, column: Ints, values: Floats) -> tuple[Ints, Ints]:
        """The rows below each value in its column, and the rows up to and including it."""
        place = np.empty(len(values), dtype=np.int64)
        whole = self.steps[column] == 0
        if whole.any():
            for one in np.unique(column[whole]):
                at = np.flatnonzero(column == one)
                held = self.values[self.start[one] : self.start[one] + self.length[one]]
                place[at] = held.searchsorted(values[at]) + self.start[one]
            inside = ~whole
            place[inside] = self._search(column[inside], values[inside])
        else:
            place = self._search(column, values)
        found = self.values.take(place) == values
        below = self.below.take(place)
        return below, self.below.take(place + found) if found.any() else below

    def _search(self, column: Ints, values: Floats) -> Ints:
        scaled = _cell(values, self.low.take(column), self.per_unit.take(column), self.cells)
        place = self.first.take(column * self.cells + scaled) + self.start.take(column)
        for step in reversed(range(int(self.steps.take(column).max(initial=0)))):
            jump = 1 << step
            place += (self.values.take(place + (jump - 1)) < values) * jump
        return np.asarray(place)


def lookup_table(columns: Sequence[Floats]) -> LookupTable:
    """Lay sorted columns out and draw their grids."""
    firsts = [_first_of_each(c) for c in columns]
    length = np.array([len(f) for f in firsts], dtype=np.int64)
    cells = 1 << max(6, int(length.max(initial=1) - 1).bit_length() - 2)
    different = [c[f] for c, f in zip(columns, firsts, strict=True)]
    grids = [_grid(values, cells) for values in different]
    rows_below = zip(firsts, columns, strict=True)
    return LookupTable(
        values=np.concatenate([np.empty(0), *(_padded(v, np.nan) for v in different)]),
        start=np.cumsum(length + PAD) - length - PAD,
        length=length,
        below=np.concatenate([length[:0], *(_padded(f, len(c)) for f, c in rows_below)]),
        low=np.array([g[0] for g in grids], dtype=np.float64),
        per_unit=np.array([g[1] for g in grids], dtype=np.float64),
        cells=cells,
        first=np.array([g[2] for g in grids], dtype=np.int32).reshape(len(columns), cells),
        steps=np.array([g[3] for g in grids], dtype=np.int64),
    )


def _first_of_each(column: Floats) -> Ints:
    new = np.flatnonzero(column[1:] != column[:-1]) + 1
    return np.concatenate([np.zeros(min(1, len(column)), dtype=np.int64), new])


def _padded(values: NDArray[np.generic], filler: float) -> NDArray[np.generic]:
    return np.concatenate([values, np.full(PAD, filler, dtype=values.dtype)])


def _cell(values: Floats, low: Floats, per_unit: Floats, cells: int) -> Ints:
    """The cell of each value; never falling as values rise, whatever the rounding."""
    with np.errstate(over="ignore"):
        scaled = values - low
        scaled *= per_unit
    np.clip(scaled, 0, cells - 1, out=scaled)
    return scaled.astype(np.int64)


def _grid(column: Floats, cells: int) -> tuple[float, float, NDArray[np.int32], int]:
    nowhere = (0.0, 0.0, np.zeros(cells, dtype=np.int32), 0)
    if len(column) < 2:
        return nowhere
    low, span = column[0], float(column[-1]) / 2 - float(column[0]) / 2
    per_unit = cells / span / 2
    if not np.isfinite(per_unit) or per_unit == 0.0:
        return nowhere
    held = np.bincount(_cell(column, low, np.asarray(per_unit, np.float64), cells), minlength=cells)
    steps = int(held.max()).bit_length()
    if steps > STEPS:
        return nowhere
    return float(low), per_unit, (np.cumsum(held) - held).astype(np.int32), steps
