"""Sums and series over stretches of time, from as few blocks as they take."""

from collections.abc import Iterator, Mapping, Sequence
from threading import RLock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np

from timonel.errors import BadInput
from timonel.windows.clock import Clock
from timonel.windows.layout import COARSE, EVENTS, FINE, JUDGED, ROLL, SERVED, Steps
from timonel.windows.ring import Counts, rows_of, total
from timonel.windows.tiers import Tiers

if TYPE_CHECKING:
    from timonel.windows.state import WindowState

Stretch = tuple[int, int, int]
"""A tier and block numbers, from and to (excluded)."""


class Sums(Mapping[str, Counts]):
    """The counters of a stretch of time by field, int64, 0 where nothing happened.

    They are those of the moment when they were asked for. Fields are added up when they are first read;
    what is still to be read when the state changes is added up before, see `Asked`.
    """

    def __init__(
        self, state: "WindowState", series: Sequence[Tiers], start: int, end: int, steps: Steps
    ) -> None:
        clock = state.clock
        self.start, self.end = covered(clock, steps, start, end)
        """The stretch that the blocks cover."""
        self._fields = state.fields if steps == state.whole_steps else state.sliced_fields
        self._series, self._known = series, dict[str, Counts]()
        self._rows = [
            (tier, rows)
            for tier, first, last in (stretches(clock, steps, start, end) if series else ())
            for rows in rows_of(series[0].sizes[tier], first, last)
        ]
        self._lock = state.asked.lock
        state.asked.add(self)

    @property
    def n(self) -> int:
        """Predictions."""
        return int(self[EVENTS][SERVED])

    @property
    def n_labelled(self) -> int:
        """Predictions whose outcome is counted."""
        return int(self[EVENTS][JUDGED])

    def load(self) -> "Sums":
        """Itself, with all fields added up: it needs the state no more."""
        for field in self._fields:
            self[field]
        self._series = ()
        return self

    def __getitem__(self, field: str) -> Counts:
        found = self._known.get(field)
        if found is None:
            with self._lock:
                if field not in self._known:
                    self._known[field] = self._total(field)
                found = self._known[field]
        return found

    def _total(self, field: str) -> Counts:
        width = self._fields[field].width
        rings = [found for tiers in self._series if (found := tiers.rings.get(field)) is not None]
        parts = [ring[tier].cells[rows] for ring in rings for tier, rows in self._rows]
        return total(parts) if parts else np.zeros(width, np.int64)

    def __contains__(self, field: object) -> bool:
        return field in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class Asked:
    """The sums of a state that somebody may still read.

    The state settles them before it changes, and their reading takes the same lock: so an answer stays
    what it was, also if another thread reads it while this one counts.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self._open: WeakValueDictionary[int, Sums] = WeakValueDictionary()

    def add(self, sums: Sums) -> None:
        """Note sums that are not added up yet."""
        self._open[id(sums)] = sums

    def settle(self) -> None:
        """Add up all that are still in use."""
        if self._open:
            with self.lock:
                for sums in self._open.values():
                    sums.load()
                self._open.clear()


def stretches(
    clock: Clock, steps: Steps, start: int, end: int, rolled: bool = True
) -> list[Stretch]:
    """The blocks that begin in [start, end), rolled up where whole rolls lie inside."""
    if clock.watermark is None:
        return []
    start, newest = max(start, clock.horizon), clock.end(steps.roll) * steps.roll
    # the roll of the watermark holds nothing beyond it, so that a range up to there takes it whole
    end = newest if rolled and end >= clock.end(steps.fine) * steps.fine else min(end, newest)
    first, last = _up(start, steps.roll), end // steps.roll
    if not rolled or first >= last:
        return _edge(clock, steps, start, end)
    before = _edge(clock, steps, start, first * steps.roll)
    return [*before, (ROLL, first, last), *_edge(clock, steps, last * steps.roll, end)]


def _edge(clock: Clock, steps: Steps, start: int, end: int) -> list[Stretch]:
    boundary = clock.boundary
    coarse = COARSE, _up(start, steps.coarse), _up(min(end, boundary), steps.coarse)
    newest = min(_up(end, steps.fine), clock.end(steps.fine))
    fine = FINE, _up(max(start, boundary), steps.fine), newest
    return [stretch for stretch in (coarse, fine) if stretch[1] < stretch[2]]


def covered(clock: Clock, steps: Steps, start: int, end: int) -> tuple[int, int]:
    """From the first block that begins in [start, end) to the end of the last."""
    if start > end:
        raise BadInput(f"a window from {start:,} to {end:,}, expected its start before its end")
    if clock.watermark is None:
        return start, end
    start = max(start, clock.horizon)
    step = steps.coarse if start < clock.boundary else steps.fine
    first = _up(start, step) * step
    step = steps.coarse if end <= clock.boundary else steps.fine
    return first, max(_up(end, step) * step, first)


def intervals(
    clock: Clock,
    steps: Steps,
    series: Sequence[Tiers],
    field: str,
    width: int,
    start: int,
    end: int,
    step: int,
) -> tuple[Counts, Counts]:
    """The starts of the intervals of [start, end), and the counters of the blocks that begin in each."""
    _check(clock, steps, start, end, step)
    times = np.arange(start, end, step, dtype=np.int64)
    counts = np.zeros((len(times), width), np.int64)
    rolled = step % steps.roll == 0 and start % steps.roll == 0
    for tier, first, last in stretches(clock, steps, start, end, rolled):
        at = (np.arange(first, last) * steps.of(tier) - start) // step
        begin = np.flatnonzero(np.diff(at, prepend=-1))
        for tiers in series:
            if field in tiers.rings:
                rows = tiers.rings[field][tier].read(first, last)
                if len(begin) < len(at):
                    rows = np.add.reduceat(rows, begin, axis=0, dtype=np.int64)
                counts[at[begin]] += rows
    return times, counts


def _check(clock: Clock, steps: Steps, start: int, end: int, step: int) -> None:
    covered(clock, steps, start, end)
    old = clock.watermark is not None and start < clock.boundary
    least = steps.coarse if old else steps.fine
    if step < least:
        raise BadInput(
            f"intervals of {step:,} us, expected {least:,} or more",
            why="of that time no shorter blocks are kept",
            fix="ask for longer intervals, or for a newer stretch",
        )


def _up(time: int, step: int) -> int:
    return -(-time // step)
