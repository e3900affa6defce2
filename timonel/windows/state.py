"""What happened, minute by minute, in counters: states that fold batches and merge, in any order."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from timonel.errors import BadInput
from timonel.windows.clock import Clock
from timonel.windows.directory import VERSION, Directory, Key, Slice
from timonel.windows.events import Coded, Events
from timonel.windows.groups import Groups, group
from timonel.windows.layout import EVENTS, JUDGED, ROLL, SERVED, Layout, Steps
from timonel.windows.names import Names
from timonel.windows.pack import Contribution, Pack
from timonel.windows.ranges import Asked, Sums, intervals
from timonel.windows.ring import Counts
from timonel.windows.tiers import Tiers

ACTUAL = "actual"

CHUNK = 1 << 17
"""Rows that are counted at once."""


class WindowState:
    """The counters of a model, by version and slice, at the resolutions of its layout.

    A state is a function of the events that were folded and judged, and of nothing else: not of how the log
    was cut, nor of the order, nor of which states were merged first. Equal states compare equal. Two
    things are exempt: the names in the sketches (their error bound holds in any order), and the choice of
    versions or slice values where more of them than the layout's bound fall within the retention, some of
    which then expire; they are forgotten once all their events have.

    The newest event sets the watermark. Events older than its retention are dropped and counted. It is not
    safe to change from two threads at once; sums may be read from any.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.clock = Clock(layout)
        self.directory = Directory(layout)
        self.expired: Counts = np.zeros(2, np.int64)
        """Predictions that are not in the windows any more, and outcomes likewise."""
        self.asked = Asked()
        """What was asked for, to be added up before anything changes."""
        self.fields = layout.counted
        self.sliced_fields = {name: field for name, field in self.fields.items() if field.sliced}
        self.whole_steps, self._slice_steps = layout.whole_steps, layout.slice_steps

    @property
    def watermark(self) -> int | None:
        """The time of the newest event, microseconds since 1970 UTC; None before the first."""
        return self.clock.watermark

    @property
    def nbytes(self) -> int:
        """The memory of the counters, as if all of it were in use."""
        rings = [
            ring
            for t in self.directory.series.values()
            for rings in t.rings.values()
            for ring in rings
        ]
        return sum(ring.cells.nbytes for ring in rings)

    def versions(self) -> list[str]:
        """The versions with counters, in natural order."""
        return self.directory.values(VERSION)

    def slice_values(self, column: str) -> list[str]:
        """The values of a slicing column with counters, in natural order."""
        return self.directory.values(column)

    def largest_others(self, column: str = VERSION) -> list[tuple[str, int, int]]:
        """The largest names without counters of their own, each with bounds of its count.

        It speaks of all events ever folded, those of expired blocks too.
        """
        return self.directory.names_of(column).sketch.top()

    def fold(self, events: Events, packs: Sequence[Pack]) -> None:
        """Count predictions and, of those that have one, the outcome."""
        for start in range(0, len(events), CHUNK):
            self._fold(events.slice(start, start + CHUNK), packs)

    def _fold(self, events: Events, packs: Sequence[Pack]) -> None:
        events = self._unexpired(events, SERVED)
        if not len(events):
            return
        served = chain.from_iterable(pack.served(events) for pack in packs)
        self._count(events, SERVED, served, 1)
        if events.labelled.any():
            self._judge(_outcomes(events, packs), packs, 1)

    def judge(self, events: Events, packs: Sequence[Pack], sign: int = 1) -> None:
        """Count the outcomes of predictions folded before, each at its prediction's time.

        With sign -1 take them back: for `events` that hold the outcome that was counted.
        """
        for start in range(0, len(events), CHUNK):
            part = self._unexpired(events.slice(start, start + CHUNK), JUDGED, sign)
            if len(part):
                self._judge(part, packs, sign)

    def _judge(self, events: Events, packs: Sequence[Pack], sign: int) -> None:
        judged = chain.from_iterable(pack.judged(events) for pack in packs)
        self._count(events, JUDGED, judged, sign)

    def _unexpired(self, events: Events, kind: int, sign: int = 1) -> Events:
        self.asked.settle()
        self.advance(int(events.time.max()))
        live = events.time >= self.clock.horizon
        if live.all():
            return events
        self.expired[kind] += sign * int((~live).sum())
        if kind == SERVED:
            self.expired[JUDGED] += int((events.labelled & ~live).sum())
        return events.take(live)

    def advance(self, time: int) -> None:
        """Let event time pass without events, as a merge with a state that has seen this time would."""
        before, self.clock = self.clock, self.clock.after(time)
        if before.watermark is None or before == self.clock:
            return
        if (before.boundary, before.horizon) == (self.clock.boundary, self.clock.horizon):
            return
        self.asked.settle()
        for key, tiers in self.directory.series.items():
            if not key[1]:
                self.expired += _leaving(tiers, before, self.clock)
            tiers.advance(before, self.clock)
        self.directory.forget(self.clock.horizon)

    def _count(
        self, events: Events, kind: int, contributions: Iterable[Contribution], sign: int
    ) -> None:
        self._admit_all(events, kind)
        fields, groups = self.fields, list(self._groups(events))
        own = Contribution(EVENTS, np.full(len(events), kind, np.int8))
        for item in chain([own], contributions):
            field = fields[item.field]
            for rows, sliced in groups:
                if field.sliced or not sliced:
                    rows.add(field, item, sign)

    def _admit_all(self, events: Events, kind: int) -> None:
        missing = [column for column in self.layout.slices if column not in events.slices]
        if missing:
            raise ValueError(f"events without the slicing column {missing[0]!r}")
        for column in self.directory.names:
            values = events.version if column == VERSION else events.slices[column]
            counts = _counts(values)
            # an outcome does not make a prediction count twice
            self.directory.admit(
                column, counts if kind == SERVED else dict.fromkeys(counts, 0), self.clock
            )

    def _groups(self, events: Events) -> Iterator[tuple[Groups, bool]]:
        versions, of_version = _placed(events.version, self.directory.names[VERSION])
        keys: list[Key] = [(version, "", "") for version in versions]
        yield self._grouped(keys, of_version, events.time), False
        for column in self.layout.slices:
            values, of_value = _placed(events.slices[column], self.directory.names[column])
            keys = [(version, column, value) for version in versions for value in values]
            yield self._grouped(keys, of_version * len(values) + of_value, events.time), True

    def _grouped(self, keys: list[Key], which: NDArray[np.intp], time: Counts) -> Groups:
        if len(keys) == 1:
            return group([self.directory.tiers(keys[0])], which, time, self.clock)
        present = np.flatnonzero(np.bincount(which, minlength=len(keys)))
        rank = np.zeros(len(keys), np.intp)
        rank[present] = np.arange(len(present))
        return group(
            [self.directory.tiers(keys[i]) for i in present], rank[which], time, self.clock
        )

    def sums(
        self, start: int, end: int, version: str | None = None, slice: Slice | None = None
    ) -> Sums:
        """The counters of the blocks that begin in [start, end); all versions unless one is named.

        A slice is named by its column and value. Raises BadInput for a column that is not sliced by, and
        for a version or value whose counters are lost among the others.
        """
        return Sums(self, self.directory.chosen(version, slice), start, end, self._steps(slice))

    def series(
        self,
        field: str,
        start: int,
        end: int,
        step: int,
        version: str | None = None,
        slice: Slice | None = None,
    ) -> tuple[Counts, Counts]:
        """A field by intervals: their starts, (k,), and counters, (k, width); of `sums` otherwise.

        A step must not be shorter than the blocks that are left of the range.
        """
        chosen = self.directory.chosen(version, slice)
        width = self.layout.counted[field].width
        return intervals(self.clock, self._steps(slice), chosen, field, width, start, end, step)

    def _steps(self, slice: Slice | None) -> Steps:
        return self._slice_steps if slice else self.whole_steps

    def copy(self) -> "WindowState":
        """The same state, independent."""
        twin = WindowState(self.layout)
        twin.clock, twin.expired = self.clock, self.expired.copy()
        twin.directory = self.directory.copy()
        return twin

    def absorb(self, other: "WindowState") -> None:
        """Add another state of the same layout; the other stays as it is."""
        if other.layout != self.layout:
            raise BadInput(
                "states of different layouts cannot be merged",
                fix="give every process the same reference and the same settings of the windows",
            )
        self.asked.settle()
        if other.watermark is None:
            return
        self.advance(other.watermark)
        if self.watermark is not None and other.clock != self.clock:
            other = other.copy()
            other.advance(self.watermark)
        self.expired += other.expired
        self.directory.absorb(other.directory, self.clock)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WindowState):
            return NotImplemented
        return (
            (self.layout, self.clock) == (other.layout, other.clock)
            and np.array_equal(self.expired, other.expired)
            and self._content() == other._content()
        )

    __hash__ = None  # type: ignore[assignment]

    def _content(self) -> dict[tuple[Key, str, int], tuple[bytes, bytes]]:
        return {
            (key, field, tier): (blocks.tobytes(), counts.tobytes())
            for key, tiers in self.directory.series.items()
            for field, tier, blocks, counts in tiers.rows(self.clock)
        }


def fold(batch: Events, state: WindowState, packs: Sequence[Pack]) -> WindowState:
    """Count a batch in a state; returns that state."""
    state.fold(batch, packs)
    return state


def merge(a: WindowState, b: WindowState) -> WindowState:
    """A state that has counted all that two have; both stay as they are."""
    state = a.copy()
    state.absorb(b)
    return state


def _outcomes(events: Events, packs: Iterable[Pack]) -> Events:
    """The labelled rows, with the columns alone that judging them takes."""
    if events.labelled.all():
        return events
    needed = {name for pack in packs for name in pack.remembers} | {ACTUAL}
    columns = {name: column for name, column in events.columns.items() if name in needed}
    return Events(events.time, events.version, columns, events.labelled, events.slices).take(
        events.labelled
    )


def _leaving(tiers: Tiers, before: Clock, now: Clock) -> Counts:
    """The predictions and outcomes in blocks that are live before, but not now."""
    first, end = before.live(tiers.steps)[ROLL]
    return tiers.ring(EVENTS, ROLL).total(first, min(end, now.live(tiers.steps)[ROLL][0]))


def _counts(column: Coded) -> dict[str, int]:
    counts = np.bincount(column.codes, minlength=len(column.values))
    used = np.flatnonzero(counts)
    return {column.values[i]: int(counts[i]) for i in used}


def _placed(column: Coded, names: Names) -> tuple[list[str], NDArray[np.intp]]:
    """The places where the rows of a column count, and which of them each row does."""
    places = [names.place(value) for value in column.values]
    distinct = sorted(set(places))
    at = {place: i for i, place in enumerate(distinct)}
    lookup = np.array([at[place] for place in places], dtype=np.intp)
    return distinct, lookup[column.codes]
