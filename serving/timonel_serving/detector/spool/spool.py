"""The spool: what was answered is on disk, and is read from there once, in order.

What is kept is bounded: the oldest file goes when the next record would pass the bound. Whatever of it
had not been read yet is lost, and counted in `shed`.

Positions only rise, also when the end of the log, or all of it, is lost: each opening begins at the clock's
nanoseconds if that is further on, and no detector writes a byte a nanosecond. So who remembers a position
may take what lies behind it for new.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Condition

from filelock import FileLock, Timeout

from timonel.errors import Busy, Unavailable
from timonel.files import write_text
from timonel_serving.detector.spool import segment as files
from timonel_serving.detector.spool.segment import HEAD, Segment

_SEGMENTS = 16
"""Files that a full spool has, about: the part that is shed at once."""
_RESUME, _IDENTITY = "resume", "identity"


def identity(folder: Path) -> str:
    """What tells the spool in a folder from any other one: random, given once, as lasting as its records."""
    path = folder / _IDENTITY
    if not path.exists():
        write_text(path, os.urandom(8).hex())
    return path.read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Record:
    """What one `append` wrote."""

    payload: bytes
    start: int
    """Its position."""
    end: int
    """The position after it."""


@dataclass
class Losses:
    """What is gone, since the spool was opened."""

    shed: int = 0
    """Events dropped at the bound before anyone read them."""
    forgotten: int = 0
    """Events dropped at the bound after they were read: a restart does not see them again."""
    truncated_bytes: int = 0
    """Bytes of an unfinished record cut off the end, after a power loss."""
    corrupt_bytes: int = 0
    """Bytes that could not be read back."""


class Spool:
    """A bounded log in a folder, with one reader. Safe to use from several threads."""

    def __init__(
        self, folder: Path, limit: int, nanoseconds: Callable[[], int] = time.time_ns
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(PermissionError):  # a mounted volume may belong to another user
            folder.chmod(0o700)
        self.losses = Losses()
        self._folder, self._limit = folder, limit
        self._segment_size = max(1, limit // _SEGMENTS)
        self._lock = FileLock(folder / "lock", thread_local=False)
        self._hold(folder)
        self._changed = Condition()
        self._unsynced: deque[Segment] = deque()
        self._segments = deque(files.existing(folder))
        self._begin(nanoseconds())
        self._size = sum(segment.size for segment in self._segments)
        self.cursor = min(max(self._resume(), self.start), self.end)
        """The position that is read next."""

    def _begin(self, now: int) -> None:
        """Open the file that is written to."""
        if self._segments:
            self._cut(self._segments[-1])
            now = max(now, self.end + 1)  # of its own name, whatever the clock says
        self._segments.append(files.create(self._folder, now))
        for empty in [s for s in self._segments if not s.size][:-1]:
            self._segments.remove(empty)
            files.remove(empty)

    def _hold(self, folder: Path) -> None:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise Busy(
                f"another detector writes to the spool {folder}",
                fix="stop it, or give this one another folder",
            ) from None

    @property
    def start(self) -> int:
        """The position of the oldest record."""
        return self._segments[0].base

    @property
    def end(self) -> int:
        """The position after the newest record."""
        return self._segments[-1].end

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._size

    @property
    def unread(self) -> int:
        """Bytes that wait for the reader."""
        held = tuple(self._segments)
        return sum(s.end - max(self.cursor, s.base) for s in held if s.end > self.cursor)

    def append(self, payload: bytes, events: int) -> int:
        """Write a record, which outlives the process from now on; the position after it.

        Raises `Unavailable` when the disk does not take it, or when it alone is larger than the spool.
        """
        record = files.encode(payload, events)
        if len(record) > self._limit:
            raise Unavailable(f"a message of {len(record):,} bytes is larger than the whole spool")
        with self._changed:
            self._make_room(len(record))
            try:
                self._write(record)
            except OSError as error:
                raise Unavailable(
                    f"the spool cannot be written: {error.strerror or error}"
                ) from None
            self._changed.notify()
            return self.end

    def sync(self) -> int:
        """Have all that was appended before on the disk itself; the position up to which it is."""
        with self._changed:
            segments = [*self._unsynced, self._segments[-1]]
            end, handles = self.end, [os.dup(s.fd) for s in segments]
            self._unsynced.clear()
        try:
            for handle in handles:
                os.fsync(handle)
        finally:
            for handle in handles:
                os.close(handle)
        return end

    def read(self, most: int, wait: float) -> Sequence[Record]:
        """The next records, `most` bytes of them but at least one; none if none comes in `wait` seconds."""
        with self._changed:
            if not self.unread:
                self._changed.wait(wait)
            found: list[Record] = []
            while self.cursor < self.end and most > 0:
                record = self._next()
                if record is not None:
                    found.append(record)
                    most -= len(record.payload)
            return found

    def release(self, position: int) -> None:
        """Need nothing before a position any more: a later opening begins to read there."""
        with self._changed:
            write_text(self._folder / _RESUME, str(position))
            while len(self._segments) > 1 and self._segments[0].end <= position:
                self._drop()

    def close(self) -> None:
        """Close the files."""
        with self._changed:
            for segment in self._segments:
                os.close(segment.fd)
            self._lock.release()

    def _next(self) -> Record | None:
        """The record at the cursor, which moves on; what cannot be read is skipped to the next file."""
        segment = next((s for s in self._segments if s.end > self.cursor), None)
        if segment is None:
            self.cursor = self.end
            return None
        position = max(self.cursor, segment.base)
        record = segment.record(position)
        if record is None:
            self.losses.corrupt_bytes += segment.end - position
            self.cursor = segment.end
            return None
        self.cursor = position + HEAD.size + len(record[1])
        return Record(record[1], position, self.cursor)

    def _write(self, record: bytes) -> None:
        """Write to the newest file; on a full disk the oldest file makes room once."""
        if self._segments[-1].size and self._segments[-1].size + len(record) > self._segment_size:
            self._roll()
        try:
            self._segments[-1].write(record)
        except OSError:
            if len(self._segments) == 1:
                raise
            self._shed()
            self._segments[-1].write(record)
        self._size += len(record)

    def _roll(self) -> None:
        created = files.create(self._folder, self.end)
        self._unsynced.append(self._segments[-1])
        self._segments.append(created)

    def _make_room(self, size: int) -> None:
        while self._size and self._size + size > self._limit:
            if len(self._segments) == 1:
                self._roll()
            self._shed()

    def _shed(self) -> None:
        oldest = self._segments[0]
        total = oldest.events(oldest.base)
        unread = oldest.events(max(self.cursor, oldest.base)) if self.cursor < oldest.end else 0
        self.losses.shed += unread
        self.losses.forgotten += total - unread
        self._drop()

    def _drop(self) -> None:
        gone = self._segments.popleft()
        self._size -= gone.size
        if gone in self._unsynced:
            self._unsynced.remove(gone)
        files.remove(gone)

    def _cut(self, last: Segment) -> None:
        whole = last.whole()
        if whole < last.size:
            self.losses.truncated_bytes += last.size - whole
            os.ftruncate(last.fd, whole)
            os.fsync(last.fd)
            last.size = whole

    def _resume(self) -> int:
        try:
            return int((self._folder / _RESUME).read_text())
        except (FileNotFoundError, ValueError):
            return 0
