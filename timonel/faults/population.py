"""Shifts of the population: other rows come, and each row's own relation of features and label holds.

Rows of the window are replaced by other rows of the window (donors): features, entity, score and label
move together, while id, times, version and latency stay. So the volume stays as it was and no row is
made up. Donors come from about the same time, so that seasons and slow changes of the features stay. A
label's age moves with its label.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa

from timonel.diagnosis.cause import Cause
from timonel.errors import BadInput
from timonel.faults.columns import class_index, micros, numbers, pick, place, plain, standardised
from timonel.faults.grades import BY_SEVERITY, Grades, fixed, share
from timonel.faults.incident import Incident
from timonel.faults.layout import BoolArray, FloatArray, IntArray, Layout
from timonel.faults.truth import Change
from timonel.faults.window import Window

STAYS = (
    *("event_time", "arrival_time", "prediction_id", "model", "version", "latency_ms", "status"),
    *("label_event_time", "label_arrival_time"),
)
"""The parts of the layout that are a row's own."""
MOST_POSITIVE = 0.95
STEEPEST = 20.0
"""The greatest exponent of a tilt over ranks from 0 to 1: a tenth of the rows or so stand for all."""
NEIGHBOURS = 500
"""Rows, next to each other in event time, among which donors are found."""


@dataclass(frozen=True, kw_only=True)
class PriorShift(Incident):
    """P(y) changes and P(x | y) holds: rows give way to donors of the other class.

    Rows without a label stay. Of more than two classes the last one is the positive.
    """

    name: ClassVar[str] = "prior_shift"
    cause: ClassVar[Cause] = Cause.PRIOR_SHIFT
    roles: ClassVar[tuple[str, ...]] = ("label",)
    factor: Annotated[
        float, Grades(1.5, 2.0, 4.0, "the share of positives is multiplied by this, to .95 at most")
    ] = BY_SEVERITY

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        index = class_index(table, self.role("label"), self.layout.classes)
        positive = window.rows & (index == len(self.layout.classes) - 1)
        negative = window.rows & (index >= 0) & ~positive
        labelled = int(positive.sum() + negative.sum())
        wanted = min(self.factor * int(positive.sum()), MOST_POSITIVE * labelled)
        more = round(wanted) - int(positive.sum())
        give, take = (negative, positive) if more > 0 else (positive, negative)
        if not give.any() or not take.any() or not more:
            return Change(table, np.zeros(table.num_rows, dtype=np.bool_), ())
        rows = pick(give, abs(more) / int(give.sum()), rng)
        donors = _nearby(np.flatnonzero(rows), np.flatnonzero(take), window.instants, rng)
        return _replaced(table, rows, donors, self.layout)

    def _what(self) -> str:
        return f"the share of positive labels is multiplied by {self.factor:g}"


@dataclass(frozen=True, kw_only=True)
class _Tilt(Incident):
    """Rows give way to donors drawn with weights that rise with the columns' ranks.

    With several columns `shift` is their average. It is reached as far as the rows of the window allow.
    """

    takes: ClassVar[str] = "numeric columns"

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        rows = self._rows(window, rng)
        pool = np.flatnonzero(window.rows)
        pool = pool[np.argsort(window.instants[pool], kind="stable")]
        z = np.mean([standardised(numbers(table, name)[pool]) for name in self.columns], axis=0)
        donors = np.arange(table.num_rows)
        donors[pool] = pool[tilted_draw(z, self._shift(), rng)]
        return _replaced(table, rows, donors[rows], self.layout)

    @abstractmethod
    def _rows(self, window: Window, rng: np.random.Generator) -> BoolArray:
        """The rows that give way."""

    @abstractmethod
    def _shift(self) -> float:
        """By how many standard deviations the mean moves."""


@dataclass(frozen=True, kw_only=True)
class CovariateShift(_Tilt):
    """P(x) changes and P(y | x) holds: the columns' mean moves, all else follows as it does in the data."""

    name: ClassVar[str] = "covariate_shift"
    cause: ClassVar[Cause] = Cause.COVARIATE_SHIFT
    shift: Annotated[
        float,
        Grades(
            *(0.25, 0.5, 1.0),
            "standard deviations by which the mean moves; negative: down",
            at_least=-2.0,
            at_most=2.0,
        ),
    ] = BY_SEVERITY

    def _rows(self, window: Window, rng: np.random.Generator) -> BoolArray:
        return window.rows

    def _shift(self) -> float:
        return self.shift

    def _what(self) -> str:
        return f"the mean of {' and '.join(self.columns)} moves by {self.shift:g} sd"


@dataclass(frozen=True, kw_only=True)
class SeasonalChange(_Tilt):
    """A season that asks for no action: other customers come and go again, P(y | x) holds throughout.

    The share of rows that give way rises from 0 at the onset to its peak in the middle of the window
    and falls back to 0 at the end, along a half sine.
    """

    name: ClassVar[str] = "seasonal_change"
    cause: ClassVar[Cause] = Cause.BENIGN
    peak: Annotated[float, share(0.3, 0.6, 1.0, "share of other rows in mid-season")] = BY_SEVERITY
    shift: Annotated[
        float, fixed(0.5, "sd by which the mean of those rows is off", at_least=-2.0, at_most=2.0)
    ] = BY_SEVERITY

    def _rows(self, window: Window, rng: np.random.Generator) -> BoolArray:
        height = self.peak * np.sin(np.pi * np.clip(window.progress, 0, 1))
        return np.asarray(window.rows & (rng.random(len(height)) < height))

    def _shift(self) -> float:
        return self.shift

    def _what(self) -> str:
        return (
            f"in mid-season {self.peak:.0%} of the rows have a mean of "
            f"{' and '.join(self.columns)} that is {self.shift:g} sd off"
        )


def tilted_draw(z: FloatArray, shift: float, rng: np.random.Generator) -> IntArray:
    """For each place a donor from its neighbourhood, such that the mean of `z` moves by `shift`.

    Exponential tilting of the ranks within each neighbourhood, with one exponent found by bisection.
    Ranks bound the weights, so that one far outlier does not stand for all donors.
    """
    block = np.minimum(np.arange(len(z)) // NEIGHBOURS, max(0, len(z) // NEIGHBOURS - 1))
    order = np.lexsort((z * np.sign(shift or 1), block))
    rank = np.empty(len(z))
    rank[order] = np.arange(len(z)) - np.searchsorted(block, block)
    rank /= np.bincount(block)[block]
    low, high = 0.0, STEEPEST
    for _ in range(40):
        middle = (low + high) / 2
        reached = np.average(z, weights=_weights(rank, block, middle)) - z.mean()
        low, high = (middle, high) if abs(reached) < abs(shift) else (low, middle)
    total = np.cumsum(_weights(rank, block, low))
    # block b owns the stretch of `total` that is as long as it has rows
    first = np.searchsorted(block, block)
    size = np.bincount(block)[block]
    drawn = np.searchsorted(total, first + rng.random(len(z)) * size, side="right")
    return np.asarray(np.minimum(drawn, first + size - 1))


def _weights(rank: FloatArray, block: IntArray, slope: float) -> FloatArray:
    """Weights that rise with the rank; those of a block sum to its number of rows."""
    weights = np.exp(slope * (rank - 1))
    return np.asarray(weights * (np.bincount(block) / np.bincount(block, weights))[block])


def _nearby(
    rows: IntArray, donors: IntArray, instants: IntArray, rng: np.random.Generator
) -> IntArray:
    """For each row one of the donors that are next to it in event time."""
    ordered = donors[np.argsort(instants[donors], kind="stable")]
    at = np.searchsorted(instants[ordered], instants[rows])
    reach = NEIGHBOURS // 10
    at = at + rng.integers(-reach, reach + 1, len(rows))
    # reflected at the ends, where clipping would take the same donor again and again
    at = np.where(at < 0, -at - 1, np.where(at >= len(ordered), 2 * len(ordered) - 1 - at, at))
    return np.asarray(ordered[np.clip(at, 0, len(ordered) - 1)])


def _replaced(table: pa.Table, rows: BoolArray, donors: IntArray, layout: Layout) -> Change:
    """The table whose chosen rows have the content of their donors, in turn."""
    source = np.arange(table.num_rows)
    source[rows] = donors
    stays = {getattr(layout, part) for part in STAYS}
    moves = tuple(name for name in table.column_names if name not in stays)
    changed = table
    for name in moves:
        changed = place(changed, name, rows, plain(table[name]).take(pa.array(source)))
    aged = _label_times(table, layout)
    for name in aged:
        changed = place(changed, name, rows, _same_age(table, name, source, layout.event_time))
    return Change(changed, rows, (*moves, *aged))


def _label_times(table: pa.Table, layout: Layout) -> tuple[str, ...]:
    names = (layout.label_event_time, layout.label_arrival_time)
    if layout.event_time is None:
        found = [name for name in names if name in table.column_names]
        if found:
            raise BadInput(
                f"the table has {found[0]}, and the layout names no event time to tell a label's age",
                fix="give Layout(event_time=...)",
            )
    return tuple(name for name in names if name and name in table.column_names)


def _same_age(table: pa.Table, name: str, source: IntArray, event: str | None) -> pa.ChunkedArray:
    """A label's time such that it is as long after the event as the donor's was after its own."""
    kind = table.schema.field(name).type
    instants, events = micros(table, name), micros(table, str(event))
    known = np.asarray(table[name].is_valid())[source]
    moved = np.where(known, instants[source] - events[source] + events, 0)
    exact = pa.array(moved, mask=~known).cast(pa.timestamp("us", getattr(kind, "tz", None)))
    return exact.cast(kind, safe=False)
