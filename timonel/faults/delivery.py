"""Incidents on the way: rows come twice, late or not at all."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel.diagnosis.cause import Cause
from timonel.errors import BadInput
from timonel.faults.columns import pick, plain, postponed
from timonel.faults.grades import BY_SEVERITY, Grades, fixed, share
from timonel.faults.incident import Incident
from timonel.faults.layout import BoolArray
from timonel.faults.truth import Change
from timonel.faults.window import MICROSECOND, Window


@dataclass(frozen=True, kw_only=True)
class DuplicateRows(Incident):
    """Rows are delivered twice: a copy, with the same id, stands behind the row and arrives later."""

    name: ClassVar[str] = "duplicate_rows"
    cause: ClassVar[Cause] = Cause.DATA_QUALITY
    rate: Annotated[float, share(0.02, 0.2, 1.0, "share of the rows that come twice")] = BY_SEVERITY
    redelivery: Annotated[
        timedelta,
        fixed(timedelta(seconds=30), "how much later a copy arrives, if there are arrival times"),
    ] = BY_SEVERITY

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        twice = pick(window.rows, self.rate, rng)
        origin = np.repeat(np.arange(table.num_rows), np.where(twice, 2, 1))
        copies = np.concatenate(([False], origin[1:] == origin[:-1]))
        grown = table.take(pa.array(origin))
        arrival = self.layout.arrival_time
        if arrival is None or arrival not in table.column_names:
            return Change(grown, copies, (), origin)
        by = np.full(len(origin), self.redelivery // MICROSECOND)
        return Change(postponed(grown, arrival, copies, by), copies, (arrival,), origin)

    def _what(self) -> str:
        return f"{self.rate:.0%} of the rows are there twice"


@dataclass(frozen=True, kw_only=True)
class DelayedRows(Incident):
    """A queue backs up: rows arrive late, by half to one and a half times the delay. Order stays."""

    name: ClassVar[str] = "delayed_rows"
    cause: ClassVar[Cause] = Cause.INFRASTRUCTURE
    roles: ClassVar[tuple[str, ...]] = ("arrival_time",)
    delay: Annotated[
        timedelta,
        Grades(
            timedelta(minutes=10), timedelta(hours=2), timedelta(days=1), "mean delay of an arrival"
        ),
    ] = BY_SEVERITY

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        arrival = self.role("arrival_time")
        by = rng.uniform(0.5, 1.5, table.num_rows) * (self.delay // MICROSECOND)
        late = postponed(table, arrival, window.rows, by.astype(np.int64))
        return Change(late, window.rows, (arrival,))

    def _what(self) -> str:
        return f"rows arrive {self.delay} late on average"


@dataclass(frozen=True, kw_only=True)
class SegmentOutage(Incident):
    """A segment goes silent: rows with one value of the column are lost."""

    name: ClassVar[str] = "segment_outage"
    cause: ClassVar[Cause] = Cause.INFRASTRUCTURE
    takes: ClassVar[str] = "the one column that names the segment"
    lost: Annotated[float, share(0.25, 0.6, 1.0, "share of the segment's rows that are lost")] = (
        BY_SEVERITY
    )
    segment: str | None = None
    """The value whose rows are lost. None: the most frequent one."""

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        column = plain(table[self.columns[0]]).cast(pa.string())
        segment = self.segment
        if segment is None:
            segment = _most_frequent(column.filter(pa.array(window.rows)))
        gone = pick(window.rows & _equal(column, segment), self.lost, rng)
        origin = np.flatnonzero(~gone)
        kept = table.filter(pa.array(~gone))
        return Change(kept, np.zeros(len(origin), dtype=np.bool_), (), origin, {"segment": segment})

    def _check(self, table: pa.Table) -> None:
        super()._check(table)
        if len(self.columns) != 1:
            raise BadInput(f"{self.name}: columns are {self.columns}; expected {self.takes}")

    def _what(self) -> str:
        which = f"= {self.segment}" if self.segment is not None else "at its most frequent value"
        return f"{self.lost:.0%} of the rows with {self.columns[0]} {which} are lost"


def _most_frequent(column: pa.ChunkedArray) -> str:
    counts = column.drop_null().value_counts().to_pylist()
    common = sorted((-c["counts"], c["values"]) for c in counts)
    return str(common[0][1]) if common else ""


def _equal(column: pa.ChunkedArray, value: str) -> BoolArray:
    return np.asarray(pc.fill_null(pc.equal(column, value), False))
