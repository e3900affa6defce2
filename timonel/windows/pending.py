"""Predictions that wait for their labels: many in little memory, settled many at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.windows import arrival
from timonel.windows.events import Coded, Events, concat
from timonel.windows.labels import Labels, Ranking, Tally, concat_labels, rank
from timonel.windows.layout import SECOND

Times = NDArray[np.int64]
Index = NDArray[np.intp]

LIMIT = 1_000_000
HELD_LIMIT = 100_000
CHUNK = 1 << 17
"""Rows that are searched at once; smaller batches are put together to that."""

NEVER = np.iinfo(np.int64).max
"""The arrival of a label that has not come."""


@dataclass(frozen=True, slots=True, eq=False)
class Settlement:
    """What labels change in the windows."""

    judge: tuple[Events, ...]
    """Predictions whose outcome is now to be counted."""
    take_back: tuple[Events, ...]
    """The same predictions as before, where another outcome was counted: to be judged with sign -1."""


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Remembered predictions in the order in which they came."""

    events: Events
    arrived: Times
    """Of the label that stands."""
    earliest: Times
    """Of the first label."""

    def slice(self, start: int, stop: int) -> "Chunk":
        """The rows from start to stop (excluded), not copied."""
        events = self.events.slice(start, stop)
        return Chunk(events, self.arrived[start:stop], self.earliest[start:stop])

    def take(self, rows: Index | NDArray[np.bool_]) -> "Chunk":
        """Some of the rows, by position or mask."""
        return Chunk(self.events.take(rows), self.arrived[rows], self.earliest[rows])


class Pending:
    """The predictions of the past by id, and the labels whose prediction has not come yet.

    Of several labels for a prediction the one that arrived last stands, of those that arrived at once the
    greatest; so the outcome does not depend on the order in which we learn of them. Of several predictions
    with one id the first is labelled. A label without a prediction is held until it comes.

    A prediction takes its id and about 40 bytes besides the columns that the packs remember.
    """

    def __init__(
        self,
        remembers: Sequence[str],
        outcome: Sequence[str] = ("actual",),
        limit: int = LIMIT,
        held_limit: int = HELD_LIMIT,
    ) -> None:
        self.remembers, self.outcome = tuple(remembers), tuple(outcome)
        self.limit, self.held_limit = limit, held_limit
        self.tally = Tally()
        self.delays = np.zeros(len(arrival.EDGES) + 1, np.int64)
        """First labels by delay, as `arrival.counts` has it."""
        self.chunks: list[Chunk] = []
        self.fresh: list[Chunk] = []
        """Remembered since the last settlement: the held labels have not been looked up in them."""
        self.held: list[Labels] = []

    def __len__(self) -> int:
        """Remembered predictions, labelled or not."""
        return sum(len(chunk.arrived) for chunk in self._all())

    @property
    def waiting(self) -> int:
        """Labels that are held for their prediction."""
        return sum(map(len, self.held))

    @property
    def nbytes(self) -> int:
        """The memory of the remembered predictions."""
        return sum(_nbytes(chunk) for chunk in self._all())

    def _all(self) -> list[Chunk]:
        return [*self.chunks, *self.fresh]

    def add(self, events: Events, arrived: Times | None = None) -> None:
        """Remember predictions; those without an id cannot be labelled later, and are left out.

        Args:
            events: with `labelled` rows, if any, counted already.
            arrived: when the labels of the labelled rows became known; with the prediction if not given.
        """
        if events.ids is None or not len(events):
            return
        at = events.time if arrived is None else arrived
        at = np.where(events.labelled, at, NEVER)
        if events.ids.null_count:
            known = np.asarray(events.ids.is_valid())
            events, at = events.take(known), at[known]
        columns = {name: events.columns[name] for name in self.remembers if name in events.columns}
        columns |= {name: events.columns[name].copy() for name in self.outcome}
        kept = Events(
            events.time,
            events.version,
            columns,
            events.labelled.copy(),
            events.slices,
            events.ids,
        )
        delay = (at - events.time)[events.labelled]
        self.delays += arrival.counts(delay)
        self.fresh = _compacted([*self.fresh, Chunk(kept, at, at.copy())])
        self._bound()

    def absorb(self, other: "Pending") -> Settlement:
        """Take in what another has remembered, held and settled; the other stays as it is."""
        self.tally = self.tally.plus(other.tally)
        self.delays += other.delays
        self.fresh = _compacted([*self.fresh, *(_own(c, self.outcome) for c in other._all())])
        self._bound()
        return self.settle(concat_labels(other.held) if other.held else None)

    def _bound(self) -> None:
        excess = len(self) - self.limit
        while excess > 0:
            queue = self.chunks or self.fresh
            gone = min(excess, len(queue[0].arrived))
            self.tally.dropped += int((queue[0].arrived[:gone] == NEVER).sum())
            queue[:1] = (
                [queue[0].slice(gone, len(queue[0].arrived))]
                if gone < len(queue[0].arrived)
                else []
            )
            excess -= gone

    def settle(self, labels: Labels | None = None) -> Settlement:
        """Bring labels and predictions together, those that were held before too."""
        judge: list[Events] = []
        back: list[Events] = []
        if self.held and self.fresh:
            self.held = self._matched(self.fresh, concat_labels(self.held), judge, back)
        self.chunks = _compacted([*self.chunks, *self.fresh])
        self.fresh = []
        if labels is not None and labels.ids.null_count:
            self.tally.unknown += labels.ids.null_count
            labels = labels.take(np.flatnonzero(labels.ids.is_valid()))
        if labels is not None and len(labels):
            self._hold(self._matched(self.chunks, labels, judge, back))
        return Settlement(tuple(judge), tuple(back))

    def _hold(self, labels: list[Labels]) -> None:
        self.held += labels
        if len(self.held) > 64:
            self.held = [concat_labels(self.held)]
        excess = self.waiting - self.held_limit
        if excess > 0:
            held = concat_labels(self.held)
            self.held = [held.take(np.arange(excess, len(held)))]
            self.tally.unknown += excess

    def expire(self, before: int) -> None:
        """Forget predictions made, and labels arrived, before a time: the windows hold them no more.

        Labels that came before any prediction was known have no time (0), and go on waiting.
        """
        for chunks in (self.chunks, self.fresh):
            for i, chunk in enumerate(chunks):
                old = chunk.events.time < before
                if old.any():
                    self.tally.dropped += int((old & (chunk.arrived == NEVER)).sum())
                    chunks[i] = chunk.take(~old)
            chunks[:] = [chunk for chunk in chunks if len(chunk.arrived)]
        if self.held:
            held = concat_labels(self.held)
            live = np.flatnonzero((held.arrived >= before) | (held.arrived == 0))
            self.tally.unknown += len(held) - len(live)
            self.held = [held.take(live)] if len(live) else []

    def arrivals(self, now: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Seconds from each remembered prediction to its first label (NaN: none by now), and to now.

        As `timonel.performance.maturity.fit_arrival` takes them. Predictions later than now are left out.
        """
        time = _joined([chunk.events.time for chunk in self._all()])
        earliest = _joined([chunk.earliest for chunk in self._all()])
        made = time <= now
        time, earliest = time[made], np.maximum(earliest[made], time[made])
        delay = np.where(earliest <= now, (earliest - time) / SECOND, np.nan)
        return delay, (now - time) / SECOND

    def _matched(
        self, chunks: list[Chunk], labels: Labels, judge: list[Events], back: list[Events]
    ) -> list[Labels]:
        """Settle the labels whose prediction is in the chunks; returns the others."""
        coded = labels.ids.dictionary_encode()
        which = coded.indices.to_numpy(zero_copy_only=False)
        found = _find(chunks, coded.dictionary)
        for i in np.unique(found.chunk[found.chunk >= 0]):
            wanted = np.flatnonzero(found.chunk == i)
            place = np.full(len(found.chunk), -1)
            place[wanted] = np.arange(len(wanted))
            mine = np.flatnonzero(place[which] >= 0)
            rows, more = found.row[wanted], found.more[wanted]
            self.tally.duplicate_predictions += int(more[chunks[i].arrived[rows] == NEVER].sum())
            self._apply(chunks[i], rows, labels.take(mine), place[which[mine]], judge, back)
        rest = np.flatnonzero(found.chunk[which] < 0)
        return [labels.take(rest)] if len(rest) else []

    def _apply(
        self,
        chunk: Chunk,
        rows: Index,
        labels: Labels,
        of: Index,
        judge: list[Events],
        back: list[Events],
    ) -> None:
        """Settle labels on the rows of a chunk; `of` is the place in `rows` of each label, all have one."""
        had = chunk.arrived[rows] != NEVER
        stored = {name: chunk.events.columns[name][rows[had]] for name in self.outcome}
        arrived = np.concatenate([chunk.arrived[rows[had]], labels.arrived])
        columns = {n: np.concatenate([stored[n], labels.columns[n]]) for n in self.outcome}
        ranking = rank(np.concatenate([np.flatnonzero(had), of]), arrived, columns)
        self._count(ranking, ranking.order < had.sum(), int((~had).sum()))
        stands = ranking.order[ranking.last]
        self._note_arrival(chunk, rows, arrived[ranking.order[~ranking.repeats]])
        changed = ~had
        for name in self.outcome:
            new, old = columns[name][stands], chunk.events.columns[name][rows]
            changed |= (new != old).reshape(len(rows), -1).any(axis=1)
        if (had & changed).any():
            back.append(chunk.events.take(rows[had & changed]))
        for name in self.outcome:
            chunk.events.columns[name][rows] = columns[name][stands]
        chunk.arrived[rows] = arrived[stands]
        chunk.events.labelled[rows] = True
        if changed.any():
            judge.append(chunk.events.take(rows[changed]))

    def _note_arrival(self, chunk: Chunk, rows: Index, first: Times) -> None:
        time, before = chunk.events.time[rows], chunk.earliest[rows]
        known = before != NEVER
        self.delays -= arrival.counts((before - time)[known])
        chunk.earliest[rows] = np.minimum(before, first)
        self.delays += arrival.counts(chunk.earliest[rows] - time)

    def _count(self, ranking: Ranking, stored: NDArray[np.bool_], applied: int) -> None:
        tally, other = self.tally, ranking.repeats & ~ranking.same
        tally.applied += applied
        tally.duplicate += int((ranking.repeats & ranking.same).sum())
        tally.conflicting += int((other & ranking.together).sum())
        tally.outdated += int((other & ~ranking.together & stored).sum())
        tally.corrected += int((other & ~ranking.together & ~stored).sum())


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Where the first prediction of each id is."""

    chunk: Index
    """-1: nowhere."""
    row: Index
    more: Index
    """How many later ones have the id too."""


def _find(chunks: Sequence[Chunk], ids: pa.Array) -> _Found:
    found = _Found(np.full(len(ids), -1), np.zeros(len(ids), np.intp), np.zeros(len(ids), np.intp))
    for i, chunk in enumerate(chunks):
        # the few labels make the table, the many predictions look into it
        at = pc.index_in(chunk.events.ids, value_set=ids).fill_null(-1)
        at = at.to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(at >= 0)
        if len(rows):
            hits, first = np.unique(at[rows], return_index=True)
            found.more[:] += np.bincount(at[rows], minlength=len(ids))
            new = found.chunk[hits] < 0
            found.chunk[hits[new]], found.row[hits[new]] = i, rows[first[new]]
    found.more[found.chunk >= 0] -= 1
    return found


def _compacted(chunks: list[Chunk]) -> list[Chunk]:
    """Small chunks put together, so that there are few, and each row is copied few times."""
    done: list[Chunk] = []
    for chunk in chunks:
        done.append(chunk)
        while len(done) > 1 and _belong(len(done[-2].arrived), len(done[-1].arrived)):
            last, before = done.pop(), done.pop()
            done.append(together([before, last]))
    return done


def _belong(before: int, last: int) -> bool:
    return before <= 2 * last and before + last <= CHUNK


def together(chunks: Sequence[Chunk]) -> Chunk:
    """The rows of one or more chunks, one after the other."""
    return Chunk(
        concat([chunk.events for chunk in chunks]),
        np.concatenate([chunk.arrived for chunk in chunks]),
        np.concatenate([chunk.earliest for chunk in chunks]),
    )


def _own(chunk: Chunk, outcome: Sequence[str]) -> Chunk:
    """The same rows, where settling may write to them."""
    events = chunk.events
    columns = {**events.columns, **{name: events.columns[name].copy() for name in outcome}}
    own = replace(events, columns=columns, labelled=events.labelled.copy())
    return Chunk(own, chunk.arrived.copy(), chunk.earliest.copy())


def _joined(parts: Sequence[Times]) -> Times:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _nbytes(chunk: Chunk) -> int:
    events = chunk.events
    coded: Iterable[Coded] = (events.version, *events.slices.values())
    arrays = [events.time, events.labelled, *events.columns.values(), chunk.arrived, chunk.earliest]
    texts = 0 if events.ids is None else int(events.ids.nbytes)
    return sum(x.nbytes for x in arrays) + sum(c.codes.nbytes for c in coded) + texts
