"""Versions of the data: each ingested table is one version of a Delta table, named by its content."""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pydantic import BaseModel, ConfigDict

from timonel.delta import first_line
from timonel.errors import BadInput, Corrupt

DIGEST = "timonel.digest"
"""The key in a commit's metadata under which the content's digest stands."""
SOURCE = "timonel.source"
"""The key under which the address stands that the table was read from."""


class DataVersion(BaseModel):
    """One version of one table: it always reads back as the same rows in the same order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str
    """The Delta table."""
    version: int
    rows: int
    digest: str | None = None
    """SHA-256 of the content; None for a table that something else wrote."""


def read_version(data: DataVersion) -> pa.Table:
    """Read one version of the data.

    Raises `BadInput` where it does not exist (any more), `Corrupt` where it is not what was ingested.
    """
    table = _read(data)
    if data.digest is not None and table_digest(table) != data.digest:
        raise _changed(data, "its rows, their order or their types differ")
    return table


def _changed(data: DataVersion, how: str) -> Corrupt:
    return Corrupt(
        f"{data.uri}: version {data.version} is not the table that was ingested: {how}",
        why="something else wrote to that folder",
        fix="ingest the data again",
    )


def _read(data: DataVersion) -> pa.Table:
    try:
        return DeltaTable(data.uri, version=data.version).to_pyarrow_table()
    except TableNotFoundError:
        raise BadInput(f"{data.uri}: no such Delta table", fix="ingest the data again") from None
    except pa.ArrowInvalid as error:
        raise _changed(data, first_line(error)) from None
    except (DeltaError, FileNotFoundError) as error:
        raise BadInput(
            f"{data.uri}: version {data.version} cannot be read: {first_line(error)}",
            why="the version does not exist, or its files were vacuumed away",
            fix="ingest the data again",
        ) from None


def latest_version(uri: str) -> DataVersion | None:
    """The newest version of a Delta table; None where there is no table."""
    if not DeltaTable.is_deltatable(uri):
        return None
    table = DeltaTable(uri)
    digest = table.history(1)[0].get(DIGEST)
    return DataVersion(uri=uri, version=table.version(), rows=table.count(), digest=digest)


def table_digest(table: pa.Table) -> str:
    """SHA-256 of a table's names, types, values and order, however its memory is laid out."""
    digest = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        digest.update(f"{name}\0{column.type}\0{len(column)}\0".encode())
        for part in _bytes(column.combine_chunks()):
            digest.update(part)
    return digest.hexdigest()


def _bytes(column: pa.Array) -> list[bytes | memoryview]:
    """What a column holds: its gaps, and its values with the gaps levelled."""
    gaps = np.packbits(column.is_null().to_numpy(zero_copy_only=False)).data
    if pa.types.is_string(column.type):
        text = pc.fill_null(column, "")
        lengths = pc.binary_length(text).to_numpy(zero_copy_only=False)
        return [gaps, np.ascontiguousarray(lengths).data, "".join(text.to_pylist()).encode()]
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
        return [gaps, np.ascontiguousarray(values).data]
    if pa.types.is_timestamp(column.type):
        return _bytes(column.cast(pa.int64()))
    return [repr(column.to_pylist()).encode()]
