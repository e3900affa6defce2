"""Keeps tables that grow by many small commits quick to read."""

from dataclasses import dataclass
from functools import partial

from deltalake import DeltaTable

from timonel.ledger.place import Place, explained
from timonel.ledger.schema import TableName
from timonel.ledger.tables import ENCODING, open_table, retried


@dataclass(frozen=True)
class Compaction:
    """What became of one table."""

    table: str
    before: int
    """Files."""
    after: int
    deleted: int
    """Files deleted from storage: replaced more than a day ago, so that nobody reads them any more."""


def compact(place: Place) -> list[Compaction]:
    """Join small files into large ones, day by day; rows stay as they are, and writers go on."""
    with explained(place, "compacting"):
        tables = [name for name in TableName if open_table(place, name) is not None]
        return [retried(partial(_compact, place, name)) for name in tables]


def _compact(place: Place, name: TableName) -> Compaction:
    table = open_table(place, name)
    assert table is not None
    before = _files(table)
    table.optimize.compact(writer_properties=ENCODING)
    deleted = table.vacuum(dry_run=False)
    table.create_checkpoint()
    table.cleanup_metadata()
    return Compaction(name.value, before, _files(table), len(deleted))


def _files(table: DeltaTable) -> int:
    return len(table.file_uris())
