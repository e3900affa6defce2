"""Frames on a pipe: a length in eight bytes, then so many bytes."""

import struct
from typing import IO

import pyarrow as pa

from timonel.errors import Corrupt

_LENGTH = struct.Struct("<Q")
MOST = 512 * 2**20


def write_frame(stream: IO[bytes], payload: bytes) -> None:
    """Write one frame and flush it."""
    stream.write(_LENGTH.pack(len(payload)))
    stream.write(payload)
    stream.flush()


def read_frame(stream: IO[bytes], most: int = MOST) -> bytes | None:
    """The next frame; None where the other side is gone, also in the midst of one."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > most:
        raise Corrupt(f"a frame has {length} bytes, expected {most} at most")
    payload = stream.read(length)
    return payload if len(payload) == length else None


def table_bytes(table: pa.Table) -> bytes:
    """A table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def table_of(payload: bytes) -> pa.Table:
    """The inverse of `table_bytes`."""
    return pa.ipc.open_stream(payload).read_all()
