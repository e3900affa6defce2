"""One file of the spool: records one after the other, each with its length and its CRC-32.

    length (4 bytes) | CRC-32 of events and payload (4 bytes) | events in it (4 bytes) | payload

The file's name is the position of its first byte in the whole log.
"""

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

HEAD = struct.Struct("<III")
_SUFFIX = ".spool"
_COUNT = struct.Struct("<I")


@dataclass(slots=True, eq=False)
class Segment:
    """An open file of the spool."""

    path: Path
    base: int
    size: int
    fd: int

    @property
    def end(self) -> int:
        """The position after its last record."""
        return self.base + self.size

    def read(self, position: int, length: int) -> bytes:
        """Bytes from a position of the log on, as many as there are."""
        return os.pread(self.fd, min(length, self.end - position), position - self.base)

    def write(self, record: bytes) -> None:
        """Append a record whole, or raise OSError and leave the file as it was."""
        try:
            written = os.pwrite(self.fd, record, self.size)
            if written < len(record):
                raise OSError(f"{written} of {len(record)} bytes were written")
        except OSError:
            os.ftruncate(self.fd, self.size)
            raise
        self.size += len(record)

    def events(self, position: int) -> int:
        """How many events the records from a position on hold, by their heads."""
        count = 0
        while position < self.end:
            head = self.read(position, HEAD.size)
            if len(head) < HEAD.size:
                break
            length, _, events = HEAD.unpack(head)
            count += events
            position += HEAD.size + length
        return count

    def whole(self) -> int:
        """The length of the leading records that are whole."""
        at = 0
        while (record := self.record(self.base + at)) is not None:
            at += HEAD.size + len(record[1])
        return at

    def record(self, position: int) -> tuple[int, bytes] | None:
        """The number of events and the payload of the record at a position; None: there is no whole one."""
        head = self.read(position, HEAD.size)
        if len(head) < HEAD.size:
            return None
        length, crc, events = HEAD.unpack(head)
        payload = self.read(position + HEAD.size, length)
        whole = length and len(payload) == length and check(events, payload) == crc
        return (events, payload) if whole else None


def check(events: int, payload: bytes) -> int:
    """The CRC-32 of a record."""
    return zlib.crc32(payload, zlib.crc32(_COUNT.pack(events)))


def encode(payload: bytes, events: int) -> bytes:
    """A record as it is written."""
    return HEAD.pack(len(payload), check(events, payload), events) + payload


def create(folder: Path, base: int) -> Segment:
    """A new file that begins at a position; its name is on the disk when this returns."""
    path = folder / f"{base:020}{_SUFFIX}"
    segment = _open(path, os.O_CREAT | os.O_EXCL)
    sync_folder(folder)
    return segment


def existing(folder: Path) -> list[Segment]:
    """The files of a folder in order."""
    return [_open(path, 0) for path in sorted(folder.glob("[0-9]" * 20 + _SUFFIX))]


def remove(segment: Segment) -> None:
    """Close and delete a file."""
    segment.path.unlink(missing_ok=True)
    os.close(segment.fd)


def sync_folder(folder: Path) -> None:
    """Have the folder's names on the disk."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _open(path: Path, flags: int) -> Segment:
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    return Segment(path, int(path.stem), os.fstat(fd).st_size, fd)
