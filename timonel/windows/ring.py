"""Counters of consecutive time blocks, in the narrowest integers that hold them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Cells = NDArray[np.signedinteger[Any]]

_NARROWEST = np.dtype(np.int16)
_TYPES: tuple[type[np.signedinteger[Any]], ...] = (np.int16, np.int32, np.int64)


class Ring:
    """The counters of the newest `period` blocks; block b stands in row b modulo the period.

    Whoever uses it clears blocks before their rows are needed again. The memory of blocks without counts
    is never touched, so that a ring that is mostly empty costs little.
    """

    __slots__ = ("cells",)

    def __init__(self, period: int, width: int) -> None:
        self.cells: Cells = np.zeros((period, width), np.int16)

    def copy(self) -> "Ring":
        """The same counters, independent."""
        twin = Ring(0, 0)
        twin.cells = self.cells.copy()
        return twin

    def add(self, blocks: Counts, amounts: Counts) -> None:
        """Add a row of amounts to each of the blocks, which must differ."""
        rows = blocks % len(self.cells)
        total = self.cells[rows] + amounts
        self._widen(int(total.min()), int(total.max()))
        self.cells[rows] = total

    def _widen(self, low: int, high: int) -> None:
        for kind in _TYPES[_TYPES.index(self.cells.dtype.type) :]:
            limits = np.iinfo(kind)
            if limits.min <= low and high <= limits.max:
                if kind is not self.cells.dtype.type:
                    self.cells = self.cells.astype(kind)
                return

    def parts(self, start: int, end: int) -> list[Cells]:
        """The rows of the blocks from start to end (excluded) in order: one or two views."""
        return [self.cells[rows] for rows in rows_of(len(self.cells), start, end)]

    def read(self, start: int, end: int) -> Cells:
        """The same rows as one array, perhaps a view."""
        parts = self.parts(start, end)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def total(self, start: int, end: int) -> Counts:
        """The sum over the blocks from start to end (excluded)."""
        return total(self.parts(start, end))

    def clear(self, start: int, end: int) -> None:
        """Set the blocks from start to end (excluded) to 0; untouched memory stays untouched."""
        for part in self.parts(start, end):
            if part.any():
                part[...] = 0


def rows_of(period: int, start: int, end: int) -> list[slice]:
    """Where the blocks from start to end (excluded) stand in a ring, in order."""
    first, count = start % period, max(end - start, 0)
    if first + count <= period:
        return [slice(first, first + count)]
    return [slice(first, period), slice(first + count - period)]


def total(parts: Sequence[Cells]) -> Counts:
    """The sum over the rows of one or more arrays of one width."""
    # adding in the type of the rows is several times faster than widening each row on the way
    narrow = all(part.dtype is _NARROWEST for part in parts) and sum(map(len, parts)) <= 1 << 16
    rows = np.concatenate(parts, dtype=np.int32 if narrow else np.int64)
    sums: Counts = np.add.reduce(rows, axis=0, dtype=rows.dtype).astype(np.int64, copy=False)
    return sums
