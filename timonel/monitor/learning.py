"""The first stable stretch: what a monitor without a reference takes as one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.drift.scan.effects import effects, unit
from timonel.frames import is_missing, label, to_arrow
from timonel.monitor.times import LATEST
from timonel.reference import Reference
from timonel.reference.cells import count_cells, read_cells
from timonel.windows.envelope import seal, unseal

KIND, FORMAT = "first stretch", 1
UNSTABLE = 0.5
"""Effect, in sd, between the halves of a stretch from which it is not taken: what would be a page."""
MOST_ROWS = 100_000
"""A stretch of so many rows is long enough, however short its time."""


@dataclass(frozen=True)
class Progress:
    """How far learning has come."""

    rows: int
    rows_needed: int
    span: int
    span_needed: int
    """Microseconds."""
    restarts: int
    """How often a stretch was not stable and was begun anew."""

    def __str__(self) -> str:
        hours = (round(micros / 3.6e9, 1) for micros in (self.span, self.span_needed))
        again = f", begun anew {self.restarts} times" if self.restarts else ""
        return f"{self.rows:,} of {self.rows_needed:,} rows, {next(hours):g} of {next(hours):g} h{again}"


@dataclass(frozen=True, eq=False)
class Stretch:
    """What was learnt: the reference, and all rows held so far, to be counted in its bins."""

    reference: Reference
    time: NDArray[np.int64]
    features: pa.Table


class Learning:
    """Collects rows until a stretch is long enough and its halves agree."""

    def __init__(self, rows: int, span: int) -> None:
        self._rows, self._span = rows, span
        self._restarts, self._held, self._first, self._last = 0, 0, LATEST, 0
        self._leave()

    def add(self, time: NDArray[np.int64], features: Mapping[str, Any]) -> None:
        """Take rows in."""
        columns = {name: _plain(column) for name, column in features.items()}
        if len(time) and columns:
            self._hold(time, pa.table(columns))

    def _hold(self, time: NDArray[np.int64], table: pa.Table) -> None:
        self._times.append(time)
        self._tables.append(table)
        self._held += len(time)
        self._first = min(self._first, int(time.min()))
        self._last = max(self._last, int(time.max()))

    def _leave(self) -> None:
        self._times: list[NDArray[np.int64]] = []
        self._tables: list[pa.Table] = []
        self._held, self._first, self._last = 0, LATEST, 0

    def save(self) -> pa.RecordBatch:
        """The rows collected so far, as one sealed row; `resume` reads it."""
        time, table = self._together()
        columns = {f"feature:{name}": table[name] for name in table.column_names}
        header = {"restarts": self._restarts}
        return seal(KIND, FORMAT, header, pa.table({"time": time} | columns))

    def resume(self, saved: pa.RecordBatch | pa.Table) -> None:
        """Go on with what was saved; for one that has collected nothing."""
        ((header, table),) = unseal(KIND, FORMAT, saved)
        self._restarts = header["restarts"]
        time = np.array(table["time"].to_numpy(), dtype=np.int64)
        names = [name.removeprefix("feature:") for name in table.column_names[1:]]
        if len(time):
            self._hold(time, table.drop_columns("time").rename_columns(names).combine_chunks())

    def _together(self) -> tuple[NDArray[np.int64], pa.Table]:
        """All that is held, in one piece from now on: a copy that was saved goes on alike."""
        if not self._times:
            return np.empty(0, np.int64), pa.table({})
        self._times = [np.concatenate(self._times)]
        self._tables = [_joined(self._tables)]
        return self._times[0], self._tables[0]

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        span = max(self._last - self._first, 0)
        return Progress(self._held, self._rows, span, self._span, self._restarts)

    def take(self) -> Stretch | None:
        """The reference, once there is a stable stretch; what was not stable is left behind."""
        while self._long_enough():
            time, table = self._collected()
            rows = self._needed(time)
            half = rows // 2
            reference = Reference.fit(table.slice(0, half))
            if _apart(reference, table.slice(half, rows - half)) < UNSTABLE:
                learnt = Reference.fit(table.slice(0, rows), learnt=True)
                self._leave()
                return Stretch(learnt, time, table)
            self._restarts += 1
            self._leave()
            self._hold(time[half:], table.slice(half))
        return None

    def _needed(self, time: NDArray[np.int64]) -> int:
        """The rows of the shortest first stretch that is long enough."""
        spanned = int(np.searchsorted(time, time[0] + self._span, side="right"))
        return min(max(self._rows, spanned), MOST_ROWS, len(time))

    def _long_enough(self) -> bool:
        now = self.progress
        return now.rows >= MOST_ROWS or (now.rows >= self._rows and now.span >= self._span)

    def _collected(self) -> tuple[NDArray[np.int64], pa.Table]:
        time, table = self._together()
        order = np.argsort(time, kind="stable")
        return time[order], table.take(pa.array(order))


def _apart(reference: Reference, table: pa.Table) -> float:
    """The largest effect between the reference and these rows, in sd."""
    columns = {name: table[name] for name in table.column_names}
    counts = count_cells(read_cells(reference.bins, columns, table.num_rows))
    found = effects(counts, reference.counts, reference.bins) / [unit(b) for b in reference.bins]
    return float(np.nanmax(found, initial=0.0))


def _plain(column: Any) -> pa.Array:
    """A column of a type that the next batch is likely to have, too."""
    array = to_arrow(column)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.float64(), safe=False) if pa.types.is_integer(array.type) else array


def _joined(tables: list[pa.Table]) -> pa.Table:
    """The rows of all tables; a column that has several types in them becomes text."""
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowTypeError:
        return pa.concat_tables([_texts(t) for t in tables], promote_options="permissive")


def _texts(table: pa.Table) -> pa.Table:
    texts = [[None if is_missing(v) else label(v) for v in c.to_pylist()] for c in table.columns]
    return pa.table(
        dict(zip(table.column_names, (pa.array(t, pa.string()) for t in texts), strict=True))
    )
