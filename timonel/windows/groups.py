"""The rows of a batch, grouped by the series and the block in which they count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.windows.clock import Clock
from timonel.windows.layout import COARSE, FINE, ROLL, Steps
from timonel.windows.pack import Contribution, Field
from timonel.windows.ring import Counts
from timonel.windows.tiers import Tiers

LIMIT = 1 << 22
"""Counters that are added up at once; a batch that needs more of them is taken in parts."""
EXACT = 2.0**53
"""Sums of whole numbers are exact in double precision up to here."""

Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Blocks of one tier of one series."""

    tiers: Tiers
    tier: int
    blocks: Counts
    start: int
    """The group of the first block; the others follow."""
    rolled: Counts
    """The blocks of the roll-up that they belong to."""
    rolls: Index
    """Where each of these begins, among the blocks."""

    def add(self, field: str, sums: Counts) -> None:
        """Count the sums of all groups, (groups, width)."""
        own = sums[self.start : self.start + len(self.blocks)]
        self.tiers.ring(field, self.tier).add(self.blocks, own)
        self.tiers.ring(field, ROLL).add(self.rolled, np.add.reduceat(own, self.rolls, axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The group of each row, and the block that each group is."""

    rank: Index
    segments: Sequence[Segment]
    count: int

    def add(self, field: Field, contribution: Contribution, sign: int) -> None:
        """Count what the rows contribute to a field; with sign -1, take it back."""
        at, amount = _checked(field, contribution, len(self.rank))
        for low, high in _parts(self.count, field.width):
            if (low, high) == (0, self.count):
                rank, cells, weights = self.rank, at, amount
            else:
                rows = (self.rank >= low) & (self.rank < high)
                rank, cells = self.rank[rows] - low, at[rows]
                weights = None if amount is None else amount[rows]
            sums = sign * _sums(rank, cells, weights, high - low, field.width)
            self._distribute(field.name, sums, low, high)

    def _distribute(self, field: str, sums: Counts, low: int, high: int) -> None:
        for segment in self.segments:
            if (low, high) != (0, self.count):
                segment = _clipped(segment, low, high)
            if len(segment.blocks):
                segment.add(field, sums)


def group(series: Sequence[Tiers], which: Index, time: Counts, clock: Clock) -> Groups:
    """Group rows by series (`series[which]`, all of the same steps) and block; no row may have expired."""
    steps = series[0].steps
    offsets, (coarse, fine) = _offsets(time, clock, steps)
    span = len(coarse) + len(fine)
    keys = offsets if len(series) == 1 else which * span + offsets
    touched = np.flatnonzero(np.bincount(keys, minlength=len(series) * span))
    rank = np.empty(len(series) * span, dtype=np.intp)
    rank[touched] = np.arange(len(touched))
    owner, place = touched // span, touched % span
    kinds = owner * 2 + (place >= len(coarse))
    blocks = np.concatenate([coarse, fine])[place]
    starts = np.flatnonzero(np.diff(kinds, prepend=-1))
    ends = np.append(starts[1:], len(kinds))
    segments = [
        _segment(series[kinds[a] // 2], COARSE if kinds[a] % 2 == 0 else FINE, blocks[a:b], int(a))
        for a, b in zip(starts, ends, strict=True)
    ]
    for segment in segments:
        segment.tiers.seen(segment.tier, int(segment.blocks[-1]))
    return Groups(rank[keys], segments, len(touched))


def _offsets(time: Counts, clock: Clock, steps: Steps) -> tuple[Index, tuple[Counts, Counts]]:
    """The place of each row in the coarse blocks of the batch followed by the fine ones."""
    boundary, low, high = clock.boundary, int(time.min()), int(time.max())
    none = np.empty(0, np.int64)
    if low >= boundary:
        fine = np.arange(low // steps.fine, high // steps.fine + 1)
        return time // steps.fine - fine[0], (none, fine)
    if high < boundary:
        coarse = np.arange(low // steps.coarse, high // steps.coarse + 1)
        return time // steps.coarse - coarse[0], (coarse, none)
    coarse = np.arange(low // steps.coarse, boundary // steps.coarse)
    fine = np.arange(boundary // steps.fine, high // steps.fine + 1)
    old = time // steps.coarse - coarse[0]
    new = time // steps.fine - fine[0] + len(coarse)
    return np.where(time < boundary, old, new), (coarse, fine)


def _segment(tiers: Tiers, tier: int, blocks: Counts, start: int) -> Segment:
    rolled = blocks // (tiers.steps.roll // tiers.steps.of(tier))
    rolls = np.flatnonzero(np.diff(rolled, prepend=rolled[0] - 1))
    return Segment(tiers, tier, blocks, start, rolled[rolls], rolls)


def _clipped(segment: Segment, low: int, high: int) -> Segment:
    first = max(low - segment.start, 0)
    blocks = segment.blocks[first : max(high - segment.start, 0)]
    if not len(blocks):
        return Segment(segment.tiers, segment.tier, blocks, 0, blocks, np.empty(0, np.intp))
    return _segment(segment.tiers, segment.tier, blocks, segment.start + first - low)


def _checked(
    field: Field, contribution: Contribution, rows: int
) -> tuple[NDArray[np.integer[Any]], Counts | None]:
    at, amount = contribution.at, contribution.amount
    if len(at) != rows or (amount is not None and amount.shape != at.shape):
        raise ValueError(
            f"{field.name}: {at.shape} counters for {rows} rows, expected one or more a row"
        )
    if at.size and int(at.max()) >= field.width:
        raise ValueError(f"{field.name}: counter {int(at.max())}, expected below {field.width}")
    return at, amount


def _parts(groups: int, width: int) -> Iterator[tuple[int, int]]:
    size = max(LIMIT // width, 1)
    for low in range(0, groups, size):
        yield low, min(low + size, groups)


def _sums(
    rank: Index, at: NDArray[np.integer[Any]], amount: Counts | None, groups: int, width: int
) -> Counts:
    """The sum of the amounts by group and counter, (groups, width)."""
    base = rank * width
    cells = (base if at.ndim == 1 else base[:, None]) + at
    if at.size and int(at.min()) < 0:
        counted = at >= 0
        cells, amount = cells[counted], None if amount is None else amount[counted]
    flat, size = cells.ravel(), groups * width
    if amount is None:
        return np.bincount(flat, minlength=size).reshape(groups, width)
    weights = amount.ravel()
    if weights.size and float(np.abs(weights).max()) * weights.size < EXACT:
        sums = np.bincount(flat, weights, size).astype(np.int64)
    else:
        sums = np.zeros(size, np.int64)
        np.add.at(sums, flat, weights)
    return sums.reshape(groups, width)
