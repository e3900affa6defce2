"""The table that is played: rows in the order of time, each with its label and when that arrives."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.backtest.periods import Instants, instant
from timonel.errors import BadInput

Codes = NDArray[np.intp]


@dataclass(frozen=True)
class History:
    """Labelled rows in the order of time; made by `History.of`."""

    table: pa.Table
    times: Instants
    label: Codes
    """(n,) index into `classes`."""
    classes: tuple[object, ...]
    """Of two the positive one is the second."""
    delay: timedelta

    @classmethod
    def of(
        cls,
        table: pa.Table,
        *,
        time: str | None,
        label: Codes,
        classes: tuple[object, ...],
        delay: timedelta = timedelta(0),
    ) -> Self:
        """Take a table whose column `time` says when each row happened.

        Raises BadInput without such a column, and for times that are empty, no times, or go back.
        """
        return cls(table, _instants(table, time), label, classes, delay)

    def known_by(self, when: datetime) -> int:
        """How many rows, from the first on, lie before `when` and had their label by then."""
        before = np.searchsorted(self.times, instant(when), side="left")
        arrived = np.searchsorted(self.times, instant(when - self.delay), side="right")
        return int(min(before, arrived))

    def since(self, when: datetime) -> int:
        """The first row at or after `when`."""
        return int(np.searchsorted(self.times, instant(when), side="left"))

    def __len__(self) -> int:
        return len(self.times)


def _instants(table: pa.Table, time: str | None) -> Instants:
    if time is None or time not in table.column_names:
        named = "data.time is not set" if time is None else f"the table has no column {time}"
        raise BadInput(
            f"{named}: a backtest plays rows in the order of time",
            fix=f"let data.time name the time column (columns: {', '.join(table.column_names)})",
        )
    column = table[time]
    if not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        raise BadInput(
            f"the time column {time} holds {column.type}, expected dates or times",
            why="periods and the delay of labels are measured on the calendar",
        )
    if column.null_count or not len(column):
        what = f"is empty in {column.null_count:,} rows" if len(column) else "has no rows"
        raise BadInput(f"the time column {time} {what}", fix="leave out rows without a time")
    micros = column.cast(pa.timestamp("us", tz="UTC"), safe=False)
    return _ascending(np.asarray(pc.cast(micros, pa.int64()).to_numpy(), dtype=np.int64), column)


def _ascending(times: Instants, column: pa.ChunkedArray) -> Instants:
    back = np.flatnonzero(np.diff(times) < 0)
    if len(back):
        row = int(back[0]) + 1
        raise BadInput(
            f"time goes back at row {row}: {column[row]} after {column[row - 1]}"
            f" ({len(back):,} rows go back)",
            why="a backtest out of order would learn from the future",
            fix="sort the table by time",
        )
    return times
