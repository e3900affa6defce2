"""What an Arrow stream unpacks to, read from the heads of its messages before anything is unpacked.

A stream may hold buffers compressed a thousandfold, one after the other the same bytes, or values without any
bytes at all. The layout is that of Arrow's columnar format 1.5: `Message.fbs`, and flatbuffers' own encoding.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

_BATCHES = ("record batch", "dictionary")
_VALUE = 8
"""Bytes that a value takes at least, once it is an array of numbers or an object."""
_PAIR, _LENGTH = struct.Struct("<qq"), struct.Struct("<q")


def unpacked_size(stream: bytes | memoryview | pa.Buffer) -> int:
    """The bytes of all arrays of a stream, about; `ValueError` or `pa.ArrowException` for what is none."""
    try:
        return sum(
            _size(message)
            for message in pa.ipc.MessageReader.open_stream(stream)
            if message.type in _BATCHES
        )
    except (struct.error, IndexError) as error:
        raise ValueError(f"it is no Arrow stream: {error}") from None


def _size(message: pa.Message) -> int:
    if message.metadata_version != pa.ipc.MetadataVersion.V5:
        raise ValueError("its metadata are of an older version than Arrow's V5")
    data = memoryview(message.metadata)
    batch = _root(data).table(2)
    if message.type == "dictionary":
        batch = batch.table(1)
    values = max(batch.number(0), sum(length for length, _ in batch.pairs(1)))
    body, packed = memoryview(message.body), bool(batch.place(3))
    taken = sum(_buffer(body, *place, packed) for place in batch.pairs(2))
    return max(taken, _VALUE * values)


def _buffer(body: memoryview, offset: int, length: int, packed: bool) -> int:
    """The bytes of one buffer: a packed one begins with their number, or with -1 if it is plain."""
    if not packed or not length:
        return length
    (said,) = _LENGTH.unpack_from(body, offset)
    if said < -1:
        raise ValueError(f"a buffer of {said} bytes")
    return length if said == -1 else int(said)


def _root(data: memoryview) -> "_Table":
    return _Table(data, int(struct.unpack_from("<I", data)[0]))


@dataclass(frozen=True)
class _Table:
    """A table of a flatbuffer: its fields by their numbers in the schema."""

    data: memoryview
    at: int

    def place(self, field: int) -> int:
        """Where a field is; 0: it is not there."""
        fields = self.at - self._read("<i", self.at)
        entry = 4 + 2 * field
        if entry >= self._read("<H", fields):
            return 0
        offset = self._read("<H", fields + entry)
        return self.at + offset if offset else 0

    def number(self, field: int) -> int:
        """A long; 0 by default."""
        place = self.place(field)
        return self._read("<q", place) if place else 0

    def table(self, field: int) -> "_Table":
        """A table in it."""
        place = self.place(field)
        return _Table(self.data, place + self._read("<I", place))

    def pairs(self, field: int) -> Iterator[tuple[int, int]]:
        """The structs of two longs of a vector."""
        place = self.place(field)
        if not place:
            return
        start = place + self._read("<I", place)
        count = self._read("<I", start)
        for i in range(count):
            first, second = _PAIR.unpack_from(self.data, start + 4 + i * _PAIR.size)
            yield first, second

    def _read(self, kind: str, at: int) -> int:
        return int(struct.unpack_from(kind, self.data, at)[0])
