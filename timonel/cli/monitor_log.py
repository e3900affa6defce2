"""A log on disk, played week by week as it came."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.durations import parse_duration
from timonel.errors import BadInput
from timonel.monitor.config import MonitorConfig
from timonel.monitor.intake import ALIASES
from timonel.monitor.times import micros_of
from timonel.tables import TableFile, open_table, read_table
from timonel.windows.layout import SECOND

BATCH = 500_000
"""Rows that are read at once."""
WEEK = timedelta(days=7) // timedelta(microseconds=1)
STEPS = tuple(timedelta(minutes=m) for m in (15, 60, 360, 1440))
WANTED = 30
"""Predictions that a window should have."""


@dataclass(frozen=True, eq=False)
class PlayedLog:
    """A log whose times are known."""

    source: TableFile
    path: Path
    time: str | None
    step: timedelta
    """The shortest of the usual windows that has WANTED predictions; a day if none has."""
    rows: int | None

    def parts(self) -> Iterator[pa.Table | pa.RecordBatch]:
        """The rows, in the order of time within what is read at once, a week or less each."""
        for batch in _batches(self.source, self.path, BATCH):
            if self.time is None:
                yield batch
                continue
            time = micros_of(batch.column(self.time))
            order = np.argsort(time, kind="stable")
            week = time[order] // WEEK
            starts = [*np.flatnonzero(np.diff(week, prepend=week[:1] - 1)), len(week)]
            for first, last in pairwise(starts):
                yield batch.take(pa.array(order[first:last]))


def open_log(path: Path, settings: MonitorConfig) -> PlayedLog:
    """Find the log's times, and how long its windows should be."""
    source = open_table(path)
    names = (settings.columns.get("timestamp"), *ALIASES["timestamp"])
    time = next((name for name in names if name in source.schema.names), None)
    if time is None:
        return PlayedLog(source, path, None, settings.window, source.rows)
    found = np.concatenate(
        [micros_of(b.column(time)) for b in _batches(source, path, BATCH, [time])]
    )
    return PlayedLog(source, path, time, max(_step(found), settings.window), len(found))


def _batches(
    source: TableFile, path: Path, rows: int, columns: list[str] | None = None
) -> Iterator[pa.Table | pa.RecordBatch]:
    if source.format == "csv":  # its types are told from all of its rows
        table = read_table(path)
        return iter((table if columns is None else table.select(columns),))
    return source.batches(columns, rows)


def _step(time: NDArray[np.int64]) -> timedelta:
    known = time[time >= 0]
    return usual_step(len(known), float(np.ptp(known)) / SECOND if len(known) else 0.0)


def usual_step(rows: int, seconds: float) -> timedelta:
    """The shortest of the usual windows that holds WANTED of so many rows in so much time; a day if none."""
    if rows < 2:
        return STEPS[0]
    return next((s for s in STEPS if rows * s.total_seconds() >= WANTED * seconds), STEPS[-1])


def parse_step(text: str) -> timedelta:
    """The length of a window; raises BadInput for one that is no multiple of 15 minutes."""
    try:
        step = parse_duration(text)
    except ValueError as error:
        raise BadInput(f"--step is {text}: {error}") from None
    if step < STEPS[0] or step % STEPS[0]:
        raise BadInput(f"--step is {text}, expected a multiple of 15min")
    return step
