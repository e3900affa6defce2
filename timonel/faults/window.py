"""When an incident is at work, and which rows that are."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from timonel.errors import BadInput
from timonel.faults.columns import micros
from timonel.faults.layout import BoolArray, FloatArray, IntArray

Moment = float | datetime
"""An event time (without a zone it is UTC), or the share of the rows, in event time, before it."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_NO_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class Window:
    """The rows from the onset (included) to the end (excluded); rows without a time are outside."""

    rows: BoolArray
    before: BoolArray
    instants: IntArray
    """Microseconds since 1970 UTC, or the row's position where the table has no time."""
    progress: FloatArray
    """0 at the onset, 1 at the end; of use within `rows` only."""
    since: datetime | int | None
    """None: no row is late enough."""
    until: datetime | int | None
    """None: to the end of the table."""


def find_window(
    table: pa.Table, time: str | None, onset: Moment, end: Moment | None = None
) -> Window:
    """The rows whose event time lies in [onset, end); `time=None` takes positions for times."""
    instants = micros(table, time) if time else np.arange(table.num_rows, dtype=np.int64)
    known = instants != _NO_TIME
    first = _instant(onset, instants[known], time)
    last = None if end is None else _instant(end, instants[known], time)
    rows = known & (instants >= first)
    if last is not None:
        rows &= instants < last
    return Window(
        rows=rows,
        before=known & (instants < first),
        instants=instants,
        progress=_progress(instants, rows, first, last),
        since=_as_moment(first, time) if rows.any() else None,
        until=None if last is None else _as_moment(last, time),
    )


def _instant(moment: Moment, instants: IntArray, time: str | None) -> int:
    if isinstance(moment, datetime):
        if time is None:
            raise BadInput(
                f"{moment} is an event time, and the layout names no column event_time",
                fix="name it in the layout, or give a share of the rows such as 0.5",
            )
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - EPOCH) // MICROSECOND
    rank = int(moment * len(instants))
    if not len(instants):
        return 0
    if rank >= len(instants):
        return int(instants.max()) + 1
    return int(np.partition(instants, rank)[rank])


def _as_moment(instant: int, time: str | None) -> datetime | int:
    return EPOCH + instant * MICROSECOND if time else instant


def _progress(instants: IntArray, rows: BoolArray, first: int, last: int | None) -> FloatArray:
    stop = last if last is not None else int(instants[rows].max(initial=first))
    return np.asarray((instants - first) / max(1, stop - first), dtype=np.float64)
