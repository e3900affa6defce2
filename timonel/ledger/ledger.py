"""Ledger: what a model predicted, what became true, what was measured and what was decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from pyarrow import dataset

from timonel.errors import BadInput
from timonel.ledger import decisions, erasure, tables, upkeep
from timonel.ledger.chain import Decision, Record, Verdict
from timonel.ledger.erasure import Removal
from timonel.ledger.place import Place, explained
from timonel.ledger.schema import TableName
from timonel.ledger.tables import Mark
from timonel.ledger.upkeep import Compaction


@dataclass(frozen=True)
class Ledger:
    """Four Delta tables in a directory or on S3; any number of processes may use it at once.

        ledger = Ledger(Place.of("s3://bucket/ledger", os.environ))
        ledger.append("predictions", frame)
        ledger.append("labels", labels)
        for batch in ledger.read_log(start, end):
            monitor.track_batch(batch)

    It holds no connection and no state. A call that fails with `Unavailable` or `Busy` has changed
    nothing and may be repeated.
    """

    place: Place

    def append(self, table: str, rows: Any, mark: Mark | None = None) -> int:
        """Append predictions, labels or windows in one commit; how many rows were written.

        Args:
            table: the table's name.
            rows: a pyarrow Table or RecordBatch, a pandas or polars DataFrame, or a mapping to arrays.
                Of the predictions every column that is none of the table's is a feature.
            mark: how far the writer has come; what is in the ledger already is not written again.
        """
        return tables.append(self.place, _appendable(table), rows, mark)

    def mark(self, writer: str, table: str = TableName.PREDICTIONS) -> int:
        """The number of the last `Mark` of a writer that is in a table; 0: there is none."""
        return tables.last_mark(self.place, _named(table), writer)

    def rows(self, table: str) -> dataset.Dataset:
        """The rows of a table as they are now, to be read in part."""
        with explained(self.place, f"reading {table}"):
            return tables.rows_of(self.place, _named(table))

    def read_log(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        model: str | None = None,
        as_of: datetime | None = None,
        lists: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """Stream predictions by event time, each with its latest label: see `replay.read_log`."""
        from timonel.ledger import replay  # it loads DuckDB

        return replay.read_log(self.place, start, end, model=model, as_of=as_of, lists=lists)

    def query(self, sql: str, limit: int | None = None) -> pa.Table:
        """The rows that a SELECT over the four tables gives."""
        from timonel.ledger import query  # it loads DuckDB

        return query.run_query(self.place, sql, limit)

    def decide(self, decision: Decision) -> Record:
        """Append a decision to the hash chain."""
        return decisions.decide(self.place, decision)

    def decisions(self) -> list[Record]:
        """All decisions in their order."""
        return decisions.read_decisions(self.place)

    def verify(self, head: str | None = None) -> Verdict:
        """Whether a decision was changed, removed or reordered."""
        return decisions.verify(self.place, head)

    def compact(self) -> list[Compaction]:
        """Join small files; writers and readers go on."""
        return upkeep.compact(self.place)

    def drop_before(self, day: date, now: datetime) -> Removal:
        """Remove rows of the days before `day`, and record it if there were any."""
        removal = erasure.drop_before(self.place, day)
        if any(removal.rows.values()):
            self.decide(
                Decision(
                    time=now,
                    kind="retention",
                    summary=f"rows of the days before {day.isoformat()} were removed",
                    details={"before": day.isoformat(), "rows": dict(removal.rows)},
                )
            )
        return removal

    def erase(self, entity: str, now: datetime, receipt: str) -> Removal:
        """Remove an entity's rows from all files, and record it without naming the entity.

        The record holds SHA-256("receipt:entity"): who has the receipt can show that it speaks of this
        entity, nobody else can tell of whom. `receipt` should be random, and is not kept.
        """
        removal = erasure.erase_entity(self.place, entity)
        self.decide(
            Decision(
                time=now,
                kind="erasure",
                summary="the rows of an entity were erased at its request",
                details={
                    "subject": erasure.subject(entity, receipt),
                    "rows": dict(removal.rows),
                    "files_pending": removal.pending,
                },
            )
        )
        return removal


def _named(table: str) -> TableName:
    if table not in list(TableName):
        raise BadInput(f"there is no table {table}, expected one of {', '.join(TableName)}")
    return TableName(table)


def _appendable(table: str) -> TableName:
    if table == TableName.DECISIONS:
        raise BadInput(
            "decisions are not appended as rows", why="they are a chain", fix="use Ledger.decide"
        )
    return _named(table)
