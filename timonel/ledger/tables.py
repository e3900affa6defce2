"""Delta tables that many write to at once: opened, made, appended to, whole or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
from deltalake import (
    ColumnProperties,
    CommitProperties,
    DeltaTable,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from pyarrow import dataset

from timonel.ledger.place import Place, explained
from timonel.ledger.rows import prepare
from timonel.ledger.schema import PARTITION, SCHEMAS, TableName, properties

ATTEMPTS = 30
"""How often a write is tried anew that another writer came before."""

_UNLIKE = ColumnProperties(dictionary_enabled=False, encoding="DELTA_LENGTH_BYTE_ARRAY")
_RISING = ColumnProperties(dictionary_enabled=False, encoding="DELTA_BINARY_PACKED")
ENCODING = WriterProperties(
    column_properties={"prediction_id": _UNLIKE, "event_time": _RISING, "arrival_time": _RISING}
)
"""How columns lie in files. Ids and times hardly repeat: without a dictionary they read three times as
quickly."""

T = TypeVar("T")


@dataclass(frozen=True)
class Mark:
    """How far a writer has come: rows under a mark that is in the ledger are not written again."""

    writer: str
    """The writer's name, the same after a restart."""
    number: int
    """Rises with every append of this writer."""


def open_table(place: Place, name: TableName) -> DeltaTable | None:
    """The newest version of a table; None if nothing was ever written to it."""
    try:
        return DeltaTable(place.table(name), storage_options=dict(place.options))
    except TableNotFoundError:
        return None


def made_table(place: Place, name: TableName) -> DeltaTable:
    """The newest version of a table, made if need be."""
    found = open_table(place, name)
    if found is not None:
        return found
    try:
        return DeltaTable.create(
            place.table(name),
            schema=SCHEMAS[name],
            partition_by=[PARTITION],
            configuration=properties(name),
            storage_options=dict(place.options),
        )
    except DeltaError:
        found = open_table(place, name)  # somebody else was first
        if found is None:
            raise
        return found


def arrow_schema(table: DeltaTable) -> pa.Schema:
    """The columns of a table."""
    return pa.schema(table.schema())


def rows_of(place: Place, name: TableName) -> dataset.Dataset:
    """The rows of a table as they are now, to be read in part; without rows if there is no table."""
    table = open_table(place, name)
    if table is None:
        return dataset.dataset(SCHEMAS[name].empty_table())
    return table.to_pyarrow_dataset()


def last_mark(place: Place, name: TableName, writer: str) -> int:
    """The number of a writer's last mark; 0: it has none."""
    with explained(place, f"reading {name}"):
        table = open_table(place, name)
        return 0 if table is None else table.transaction_version(writer) or 0


def retried(attempt: Callable[[], T]) -> T:
    """Run what reads a table and then commits to it, again if another commit came between."""
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except CommitFailedError:
            continue
    return attempt()


def append(place: Place, name: TableName, rows: Any, mark: Mark | None = None) -> int:
    """Append rows in one commit; how many were written.

    Columns that the table lacks are added to it if they are features. Any number of writers may append
    at once. Raises `BadInput` for rows that do not fit, `Unavailable` for a full disk or an object
    store that does not answer: then none of the rows is in.
    """

    def attempt() -> int:
        table = made_table(place, name)
        if mark is not None and (table.transaction_version(mark.writer) or 0) >= mark.number:
            return 0
        known = arrow_schema(table)
        prepared = prepare(name, rows, known)
        if prepared.num_rows:
            evolves = prepared.schema.names != known.names
            commit(table, prepared, mark, merge=evolves)
        return int(prepared.num_rows)

    with explained(place, f"appending to {name}"):
        return retried(attempt)


def commit(table: DeltaTable, rows: pa.Table, mark: Mark | None, *, merge: bool = False) -> None:
    """Add rows to exactly this version of a table, or to a later one that does not contradict it.

    Of two commits with a mark of the same writer on the same version one fails.
    """
    marks = None if mark is None else [Transaction(mark.writer, mark.number)]
    write_deltalake(
        table,
        rows,
        mode="append",
        schema_mode="merge" if merge else None,
        writer_properties=ENCODING,
        commit_properties=CommitProperties(app_transactions=marks),
    )
