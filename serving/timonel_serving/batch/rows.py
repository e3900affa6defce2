"""Reads the rows of a table file as the model takes them, piece by piece, under one contract."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from timonel.contract import DataContract, FeatureBatch, FeatureReader, reject_broken, schema_drift
from timonel.errors import BadInput
from timonel.tables import BATCH_ROWS, TableFile, cast_column, open_table


@dataclass(frozen=True)
class Piece:
    """Some rows of a file: what the model sees of them, and what tells whose rows they are."""

    first_row: int
    """Where the piece starts in the file; rows count from 0."""
    carried: pa.RecordBatch
    features: FeatureBatch


class RowsFile:
    """A file whose columns have been found to fit a contract; its rows are read by `pieces`."""

    def __init__(self, path: Path, contract: DataContract) -> None:
        """Raises `BadInput` where a column is missing or has a type that the model cannot take."""
        self.table = open_table(path)
        self._contract = contract
        self._reader = FeatureReader(contract)
        _check_columns(self.table, contract)
        named = (contract.key, contract.time, contract.entity)
        self.carried = [n for n in dict.fromkeys(named) if n and n in self.table.schema.names]
        self._columns = list(dict.fromkeys([*self.carried, *self._reader.names]))

    @property
    def carried_fields(self) -> list[pa.Field]:
        """The key, time and entity columns that the file has; of a CSV they are text."""
        return [self.table.schema.field(name) for name in self.carried]

    def pieces(self, rows: int = BATCH_ROWS) -> Iterator[Piece]:
        """The rows in order, `rows` at most at once."""
        first = 0
        for batch in self.table.batches(self._columns, rows):
            yield Piece(first, batch.select(self.carried), self._features(batch, first))
            first += batch.num_rows
        if not first:
            raise BadInput(f"{self.table.path}: has no rows: there is nothing to score")

    def _features(self, batch: pa.RecordBatch, first: int) -> FeatureBatch:
        columns = {name: batch.column(name) for name in self._reader.names}
        if self.table.format == "csv":
            for c in self._contract.numeric:
                where = f"{self.table.path}: column {c.name}"
                to = pa.bool_() if c.kind == "boolean" else pa.float64()
                columns[c.name] = cast_column(columns[c.name], to, where=where, first_row=first)
        return self._reader.from_table(pa.table(columns))


def _check_columns(table: TableFile, contract: DataContract) -> None:
    drift = schema_drift(contract, table.schema)
    if table.format == "csv":  # its types are known only value by value
        drift = [d for d in drift if d.column not in table.schema.names]
    if drift and all(d.column not in table.schema.names for d in drift):
        absent = ", ".join(d.column for d in drift)
        raise BadInput(
            f"{table.path}: lacks the column {absent}, which the model needs",
            fix=f"add it; the file has {', '.join(table.schema.names[:12])}",
        )
    reject_broken(drift, str(table.path))
