"""One version of a ledger's table, file by file: so that many processes read the same rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from pyarrow import dataset

from timonel.fold.job import Selection
from timonel.ledger import Place
from timonel.ledger.schema import CLOCKS, PARTITION, TableName
from timonel.ledger.tables import open_table

ROWS = 1 << 17
"""Rows that are read at once."""
CODED = frozenset({"version", "prediction", "status"})
"""Columns of few different texts."""


@dataclass(frozen=True)
class LogFile:
    """A file of a table."""

    path: str
    """From the table's root."""
    rows: int
    day: date


@dataclass(frozen=True)
class Snapshot:
    """A version of a table. Later writers do not change it; what erases rows may delete its files."""

    place: Place
    name: TableName
    version: int

    @classmethod
    def of(cls, place: Place, name: TableName) -> "Snapshot | None":
        """The newest version; None if nothing was ever written."""
        table = open_table(place, name)
        return None if table is None else cls(place, name, table.version())

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        return self._open()[0].schema

    def files(self, selection: Selection | None = None) -> list[LogFile]:
        """The files of the days that are selected, by day."""
        chosen = selection or Selection()
        found = [file for file in self._open()[2] if chosen.has_day(file.day)]
        return sorted(found, key=lambda file: (file.day, file.path))

    def read(self, path: str, columns: Iterable[str], rows: int = ROWS) -> Iterator[pa.RecordBatch]:
        """The rows of a file in their order, so many at most at once."""
        whole, fragments, _ = self._open()
        yield from fragments[path].to_batches(
            schema=whole.schema,
            columns=list(columns),
            batch_size=rows,
            batch_readahead=1,
            fragment_readahead=1,
            use_threads=False,
        )

    def newest(self, files: Sequence[LogFile]) -> datetime | None:
        """The time of the newest row of the last day among these files; None without rows."""
        last = [file for file in files if file.day == files[-1].day]
        batches = (batch for file in last for batch in self.read(file.path, (CLOCKS[self.name],)))
        times = [found for batch in batches if (found := pc.max(batch.column(0)).as_py())]
        return max(times, default=None)

    def _open(self) -> "_Opened":
        place = self.place
        return _opened(place.table(self.name), self.version, frozenset(place.options.items()))


_Opened = tuple[dataset.Dataset, Mapping[str, dataset.Fragment], list[LogFile]]


@lru_cache(maxsize=4)
def _opened(uri: str, version: int, options: frozenset[tuple[str, str]]) -> _Opened:
    table = DeltaTable(uri, version=version, storage_options=dict(options))
    read = dataset.ParquetReadOptions(dictionary_columns=CODED)
    whole = table.to_pyarrow_dataset(parquet_read_options=read)
    fragments = {fragment.path: fragment for fragment in whole.get_fragments()}
    return whole, fragments, _listed(table, fragments)


def _listed(table: DeltaTable, fragments: Mapping[str, dataset.Fragment]) -> list[LogFile]:
    actions = pa.table(table.get_add_actions(flatten=True))
    names = ("path", "num_records", f"partition.{PARTITION}")
    columns = (actions[name].to_pylist() for name in names)
    return [
        LogFile(path, fragments[path].count_rows() if rows is None else rows, day)
        for path, rows, day in zip(*columns, strict=True)
    ]
