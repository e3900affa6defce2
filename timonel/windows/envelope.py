"""Tables on their way between processes: sealed, so that damage is noticed, and one row each, so that
Spark, a queue or a file can carry, shuffle and concatenate them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from timonel.errors import Corrupt
from timonel.windows.unpacked import unpacked_size

SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("format", pa.int32(), nullable=False),
        pa.field("payload", pa.binary(), nullable=False),
        pa.field("sha256", pa.binary(), nullable=False),
    ]
)
_HEADER = b"timonel"
_PLAIN = {pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.int32(), pa.int64()}
_DIGEST = hashlib.sha256().digest_size


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
    sealed = sealed.select(SCHEMA.names)
    if not set(sealed.schema.types) <= _PLAIN:  # others may hold one value for many rows
        raise Corrupt(f"a saved {kind} with the columns {sealed.schema}, expected {SCHEMA}")
    return [_open(kind, version, row) for row in sealed.to_pylist()]


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
        table.validate(full=True)
        return json.loads(table.schema.metadata[_HEADER]), table
    except (pa.ArrowException, KeyError, TypeError, ValueError, MemoryError) as error:
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
    """A header and sealed parts as bytes that hold together: their SHA-256, and a stream of Arrow."""
    sizes = {name: part.num_rows for name, part in parts.items()}
    head = seal(kind, version, {"header": header, "parts": sizes}, pa.table({}))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as writer:
        for batch in (head, *parts.values()):
            writer.write_batch(batch)
    stream = sink.getvalue()
    return b"".join((hashlib.sha256(stream).digest(), stream))


def unbundle(kind: str, version: int, data: bytes) -> tuple[Any, dict[str, pa.Table]]:
    """The header and the sealed parts; Corrupt if it is not what `bundle` wrote."""
    digest, stream = data[:_DIGEST], memoryview(data)[_DIGEST:]
    if hashlib.sha256(stream).digest() != digest:
        raise Corrupt(
            f"the {kind} is damaged, or is none: it does not have the SHA-256 that it begins with",
            fix="take another copy",
        )
    try:
        table = pa.ipc.open_stream(stream).read_all()
        table.validate(full=True)
        ((head, _),) = unseal(kind, version, table.slice(0, 1))
        sizes = head["parts"]
        starts = np.cumsum([1, *sizes.values()]).tolist()
    except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"the {kind} cannot be read: {error!r}") from None
    parts = zip(sizes, starts, sizes.values(), strict=False)
    return head["header"], {name: table.slice(start, rows) for name, start, rows in parts}


def bundle_size(kind: str, data: bytes) -> int:
    """The bytes that a bundle unpacks to, about; nothing is unpacked for it. Corrupt for what is none."""
    stream = memoryview(data)[_DIGEST:]
    try:
        size = unpacked_size(stream)
        if size > len(stream):
            raise Corrupt(f"the {kind} is compressed as a whole, expected its parts alone to be")
        payloads = pa.ipc.open_stream(stream).read_all()["payload"]
        payloads.validate(full=True)
        return size + sum(map(unpacked_size, payloads.cast(pa.binary()).to_pylist()))
    except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"the {kind} cannot be read: {error!r}") from None
