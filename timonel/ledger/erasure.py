"""Rows that must go: those of an entity that wants to be forgotten, those that are too old.

What is rewritten is named in Delta's log by its day alone: a predicate that names the entity would
keep it there.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake
from deltalake.fs import DeltaStorageHandler
from pyarrow import fs

from timonel.ledger.place import Place, explained
from timonel.ledger.schema import PARTITION, TableName
from timonel.ledger.tables import ENCODING, open_table, retried

PERISHABLE = (TableName.PREDICTIONS, TableName.LABELS, TableName.WINDOWS)
"""The tables that retention applies to; decisions are kept for ever."""
GRACE_HOURS = 1
"""Files that no commit names are those of a write under way, unless they are older."""


@dataclass(frozen=True)
class Removal:
    """What was removed."""

    rows: Mapping[str, int]
    """By table."""
    files: int
    """Files deleted from storage."""
    pending: int
    """Files of writes that did not end, too young to be deleted: they may hold the rows still."""


def erase_entity(place: Place, entity: str) -> Removal:
    """Remove the predictions of an entity and their labels from all files, of former versions too.

    Windows stay: they hold counts, no rows. Former versions of these tables can no longer be read.
    """
    with explained(place, "erasing"):
        ids = pa.array(sorted(_ids(place, entity)), pa.string())
        # labels first: if this is interrupted, the predictions still tell which they are
        labels = _rewrite(place, TableName.LABELS, pc.is_in(pc.field("prediction_id"), ids))
        predictions = _rewrite(place, TableName.PREDICTIONS, pc.field("entity") == entity)
        rows = {TableName.PREDICTIONS.value: predictions, TableName.LABELS.value: labels}
        return _swept(place, rows, (TableName.PREDICTIONS, TableName.LABELS))


def subject(entity: str, receipt: str) -> str:
    """What a record says in place of the entity's name: it tells nothing to whom has no receipt."""
    return hashlib.sha256(f"{receipt}:{entity}".encode()).hexdigest()


def drop_before(place: Place, day: date) -> Removal:
    """Remove the predictions, labels and windows of the days before this one from all files."""
    with explained(place, "applying retention"):
        rows = {name.value: retried(partial(_drop, place, name, day)) for name in PERISHABLE}
        return _swept(place, rows, PERISHABLE)


def _ids(place: Place, entity: str) -> set[str]:
    """The ids of an entity's predictions."""
    table = open_table(place, TableName.PREDICTIONS)
    if table is None:
        return set()
    scanner = table.to_pyarrow_dataset().scanner(
        columns=["prediction_id"], filter=pc.field("entity") == entity
    )
    return {i for batch in scanner.to_batches() for i in batch[0].to_pylist() if i is not None}


def _rewrite(place: Place, name: TableName, doomed: pc.Expression) -> int:
    """Write anew the days that hold such rows, without them, a commit each; how many rows went."""
    table = open_table(place, name)
    if table is None:
        return 0
    days = _days(table, doomed)
    return sum(retried(partial(_rewrite_day, place, name, day, doomed)) for day in days)


def _days(table: DeltaTable, doomed: pc.Expression) -> list[date]:
    scanner = table.to_pyarrow_dataset().scanner(columns=[PARTITION], filter=doomed)
    return sorted({day for batch in scanner.to_batches() for day in batch[0].unique().to_pylist()})


def _rewrite_day(place: Place, name: TableName, day: date, doomed: pc.Expression) -> int:
    table = open_table(place, name)
    assert table is not None
    rows = table.to_pyarrow_dataset().filter(pc.field(PARTITION) == day)
    count = int(rows.count_rows(filter=doomed))
    # an expression on null is null, which a filter drops: rows without an entity must stay
    kept = rows.scanner(filter=~doomed | doomed.is_null()).to_reader()
    write_deltalake(
        table,
        kept,
        mode="overwrite",
        predicate=f"{PARTITION} = '{day.isoformat()}'",
        writer_properties=ENCODING,
    )
    return count


def _drop(place: Place, name: TableName, day: date) -> int:
    table = open_table(place, name)
    if table is None:
        return 0
    old = table.to_pyarrow_dataset().count_rows(filter=pc.field(PARTITION) < day)
    if old:
        table.delete(f"{PARTITION} < '{day.isoformat()}'")
    return int(old)


def _swept(place: Place, rows: Mapping[str, int], names: Iterable[TableName]) -> Removal:
    """Delete the files that the newest version does not need."""
    files = pending = 0
    for name in names:
        table = open_table(place, name)
        if table is not None:
            before = _stored(place, table)
            _sweep(table)
            after = _stored(place, table)
            files += len(before - after)
            pending += len(after - _needed(table))
    return Removal(rows, files, pending)


def _sweep(table: DeltaTable) -> None:
    table.vacuum(0, dry_run=False, enforce_retention_duration=False)
    table.update_incremental()
    table.vacuum(GRACE_HOURS, dry_run=False, enforce_retention_duration=False, full=True)
    table.update_incremental()


def _stored(place: Place, table: DeltaTable) -> set[str]:
    """The files of rows that lie in the table's directory, named from there."""
    handler = DeltaStorageHandler.from_table(table._table, options=dict(place.options))
    found = fs.PyFileSystem(handler).get_file_info(fs.FileSelector("", recursive=True))
    return {unquote(f.path) for f in found if f.is_file and f.path.startswith(PARTITION)}


def _needed(table: DeltaTable) -> set[str]:
    """Those of them that the newest version consists of."""
    return {uri[uri.index(f"{PARTITION}=") :] for uri in map(unquote, table.file_uris())}
