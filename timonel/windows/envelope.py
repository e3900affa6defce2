"""Tables on their way between processes: sealed, so that damage is noticed, and one row each, so that
Spark, a queue or a file can carry, shuffle and concatenate them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
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


def together(sealed: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Sealed rows as one batch."""
    return pa.Table.from_batches(sealed).combine_chunks().to_batches()[0]


def seal_json(kind: str, version: int, value: Any) -> pa.RecordBatch:
    """One row that holds plain JSON values, compressed; `unseal_json` reads it."""
    return seal(kind, version, {}, pa.table({"json": [json.dumps(value)]}))


def unseal_json(kind: str, version: int, sealed: pa.RecordBatch | pa.Table) -> Any:
    """What `seal_json` wrote; Corrupt for anything else."""
    try:
        ((_, table),) = unseal(kind, version, sealed)
        return json.loads(table["json"][0].as_py())
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"the saved {kind} cannot be read: {error!r}") from None


def bundle(
    kind: str, version: int, header: Mapping[str, Any], parts: Mapping[str, pa.RecordBatch]
) -> bytes:
    """Sealed parts and a header as bytes that hold together: no part can be left out or changed."""
    digests = {name: part["sha256"].to_pylist() for name, part in parts.items()}
    listed = {name: [d.hex() for d in found] for name, found in digests.items()}
    head = seal(kind, version, {"header": header, "parts": listed}, pa.table({}))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as writer:
        for batch in (head, *parts.values()):
            writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())


def unbundle(kind: str, version: int, data: bytes) -> tuple[Any, dict[str, pa.Table]]:
    """The header and the sealed parts; Corrupt if it is not what `bundle` wrote."""
    try:
        table = pa.ipc.open_stream(data).read_all()
    except (pa.ArrowException, OSError, TypeError) as error:
        raise Corrupt(f"the {kind} cannot be read: {error}") from None
    ((head, _),) = unseal(kind, version, table.slice(0, 1)) or [({}, None)]
    try:
        header, listed = head["header"], head["parts"]
        digests = [d for found in listed.values() for d in found]
        held = [d.hex() for d in table["sha256"][1:].to_pylist()]
        ends = np.cumsum([len(found) for found in listed.values()]).tolist()
    except (AttributeError, KeyError, TypeError) as error:
        raise Corrupt(f"the {kind} does not fit together: {error!r}") from None
    if digests != held:
        raise Corrupt(f"the {kind} does not hold the parts that its header names")
    rows = zip(listed, [0, *ends], ends, strict=False)
    return header, {name: table.slice(1 + start, end - start) for name, start, end in rows}
