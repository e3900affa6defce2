"""The table of decisions: appended to one by one, whoever writes."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from timonel.ledger.chain import START, Decision, Record, Verdict, check, iso, linked
from timonel.ledger.place import Place, explained
from timonel.ledger.rows import prepare
from timonel.ledger.schema import SCHEMAS, TableName
from timonel.ledger.tables import Mark, commit, made_table, open_table, retried

WRITER = "timonel.decisions"
"""The mark in Delta's log that says how many records were ever written."""
_NAME = "decisions"


def decide(place: Place, decision: Decision) -> Record:
    """Append a decision to the chain.

    Two that are decided at once come one after the other: the later one is linked anew.
    """

    def attempt() -> Record:
        table = made_table(place, TableName.DECISIONS)
        # numbers are never used twice: a last record that was removed must leave its gap
        written = table.transaction_version(WRITER) or 0
        last = _last(table, written)
        record = linked(decision, written + 1, last.hash if last else START)
        rows = prepare(TableName.DECISIONS, _columns(record), SCHEMAS[TableName.DECISIONS])
        commit(table, rows, Mark(WRITER, record.seq))
        return record

    with explained(place, "recording a decision"):
        return retried(attempt)


def read_decisions(place: Place) -> list[Record]:
    """All records, in the order of the chain."""
    with explained(place, "reading the decisions"):
        table = open_table(place, TableName.DECISIONS)
        return [] if table is None else _records(_rows(table))


def verify(place: Place, head: str | None = None) -> Verdict:
    """Check the chain, with `head` also against a hash that was written down elsewhere."""
    with explained(place, "reading the decisions"):
        table = open_table(place, TableName.DECISIONS)
        if table is None:
            return check([], 0, head)
        written = table.transaction_version(WRITER) or 0
        return check(_records(_rows(table)), written, head)


def _last(table: DeltaTable, written: int) -> Record | None:
    """The record of this number; the newest one there is if somebody removed it."""
    found = _rows(table, written)
    if written and not found.num_rows:
        found = _rows(table)
    return max(_records(found), key=lambda record: record.seq, default=None)


def _rows(table: DeltaTable, seq: int | None = None) -> pa.Table:
    """All records, or that of a number, read by Delta's own engine.

    Arrow's threads would still let go of Python's objects while a short command exits, which aborts it.
    """
    which = "" if seq is None else f" WHERE seq = {seq:d}"
    found = QueryBuilder().register(_NAME, table).execute(f"SELECT * FROM {_NAME}{which}")  # noqa: S608
    return pa.table(found.read_all())


def _columns(record: Record) -> dict[str, list[object]]:
    columns = {name: [value] for name, value in asdict(record).items()}
    return columns | {"time": [datetime.fromisoformat(record.time)]}


def _records(rows: pa.Table) -> list[Record]:
    found = [_record(row) for row in rows.to_pylist()]
    return sorted(found, key=lambda record: record.seq)


def _record(row: dict[str, Any]) -> Record:
    """A record as it is stored, however somebody has changed it."""
    held = {name: row[name] for name in Record.__dataclass_fields__}
    time = "" if row["time"] is None else iso(row["time"])
    return Record(**held | {"time": time, "seq": row["seq"] or 0, "hash": row["hash"] or ""})
