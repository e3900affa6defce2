"""Delta tables, here or on S3."""

from collections.abc import Mapping

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from timonel.delta import first_line
from timonel.errors import BadInput


def is_delta(uri: str, options: Mapping[str, str] | None = None) -> bool:
    """Whether there is a Delta table at this address."""
    return bool(DeltaTable.is_deltatable(uri, storage_options=dict(options or {})))


def read_delta(uri: str, options: Mapping[str, str] | None = None) -> pa.Table:
    """Read the newest version of a Delta table."""
    try:
        table = DeltaTable(uri, storage_options=dict(options or {})).to_pyarrow_table()
    except (DeltaError, OSError, pa.ArrowInvalid) as error:
        raise BadInput(f"{uri}: not a readable Delta table: {first_line(error)}") from None
    if not table.num_rows:
        raise BadInput(f"{uri}: has no rows (its columns are {', '.join(table.column_names)})")
    return table
