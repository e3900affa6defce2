"""Tables on their way between processes: sealed, so that damage is noticed, and one row each, so that
Spark, a queue or a file can carry, shuffle and concatenate them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from timonel.errors import Corrupt

SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("format", pa.int32(), nullable=False),
        pa.field("payload", pa.binary(), nullable=False),
        pa.field("sha256", pa.binary(), nullable=False),
    ]
)
_HEADER = b"timonel"


def seal(kind: str, version: int, header: Mapping[str, Any], table: pa.Table) -> pa.RecordBatch:
    """One row that holds a JSON header and a table, compressed."""
    table = table.replace_schema_metadata({_HEADER: json.dumps(header).encode()})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    payload = sink.getvalue().to_pybytes()
    digest = hashlib.sha256(payload).digest()
    row = {"kind": kind, "format": version, "payload": payload, "sha256": digest}
    return pa.RecordBatch.from_pylist([row], schema=SCHEMA)


def unseal(
    kind: str, version: int, sealed: pa.RecordBatch | pa.Table
) -> list[tuple[Any, pa.Table]]:
    """The header and table of each row; Corrupt if one is not what `seal` wrote."""
    missing = set(SCHEMA.names) - set(sealed.schema.names)
    if missing:
        raise Corrupt(
            f"a saved {kind} without the columns {sorted(missing)}, expected {SCHEMA.names}"
        )
    return [_open(kind, version, row) for row in sealed.select(SCHEMA.names).to_pylist()]


def _open(kind: str, version: int, row: Mapping[str, Any]) -> tuple[Any, pa.Table]:
    if (row["kind"], row["format"]) != (kind, version):
        raise Corrupt(
            f"saved is a {row['kind']} of format {row['format']}, expected a {kind} of format {version}",
            fix="read it with the release of timonel that wrote it",
        )
    payload = row["payload"]
    if not isinstance(payload, bytes) or hashlib.sha256(payload).digest() != row["sha256"]:
        raise Corrupt(
            f"the saved {kind} is damaged: its SHA-256 is not the one it was sealed with",
            fix="take another copy, or fold the log again",
        )
    try:
        table = pa.ipc.open_stream(payload).read_all()
        return json.loads(table.schema.metadata[_HEADER]), table
    except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"the saved {kind} cannot be read: {error}") from error
