"""The journal: what was answered is on the disk, and is counted again, in order, after a restart."""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from threading import RLock

from timonel.errors import Corrupt, Unavailable
from timonel_serving.detector.spool import segment as files
from timonel_serving.detector.spool.segment import HEAD, Segment

SEGMENT = 32 * 2**20
"""Bytes of a file, about."""


class Journal:
    """Records in a folder, one after the other. Safe to use from several threads.

    Nothing is ever dropped but what `release` names. A record's position is the number of bytes before
    it since the journal began.
    """

    def __init__(self, folder: Path, since: int = 0) -> None:
        """Open the journal, which is needed from position `since` on."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._lock = folder, RLock()
        self._segments = deque(files.existing(folder))
        self.cut = 0
        """Bytes of an unfinished record cut off the end, after a power loss."""
        if self._segments:
            self._cut(self._segments[-1])
            self._check(since)
        else:
            self._segments.append(files.create(folder, since))

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
        return self.end - self.start

    def append(self, payload: bytes, rows: int) -> int:
        """Write a record; the position after it. It is on the disk itself when this returns.

        Raises `Unavailable` when the disk does not take it; then nothing of it is there.
        """
        record = files.encode(payload, rows)
        with self._lock:
            if self._segments[-1].size >= SEGMENT:
                self._segments.append(files.create(self._folder, self.end))
            last = self._segments[-1]
            before = last.size
            try:
                last.write(record)
                os.fdatasync(last.fd)
            except OSError as error:
                self._undo(last, before)
                raise Unavailable(
                    f"the journal {self._folder} cannot be written: {error.strerror or error}",
                    fix="free some space on its disk; nothing of this request was taken",
                ) from None
            return self.end

    def read(self, position: int) -> Iterator[tuple[int, bytes]]:
        """The records from a position on, each with the position after it.

        Raises `Corrupt` where one is damaged.
        """
        while position < self.end:
            with self._lock:
                segment = next(s for s in self._segments if s.end > position)
                found = segment.record(position)
            if found is None:
                raise Corrupt(
                    f"the journal {self._folder} is damaged at position {position:,}",
                    why="what follows was answered, and would be lost in silence",
                    fix="restore the folder from a copy, or remove it to begin anew",
                )
            position += HEAD.size + len(found[1])
            yield position, found[1]

    def release(self, position: int) -> None:
        """Need nothing before a position any more."""
        with self._lock:
            while len(self._segments) > 1 and self._segments[0].end <= position:
                files.remove(self._segments.popleft())

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            for segment in self._segments:
                os.close(segment.fd)
            self._segments.clear()

    @staticmethod
    def _undo(segment: Segment, size: int) -> None:
        """Take back a record that may not have reached the disk."""
        if segment.size > size:
            segment.size = size
            os.ftruncate(segment.fd, size)

    def _cut(self, last: Segment) -> None:
        whole = last.whole()
        if whole < last.size:
            self.cut = last.size - whole
            os.ftruncate(last.fd, whole)
            os.fsync(last.fd)
            last.size = whole

    def _check(self, since: int) -> None:
        if not self.start <= since <= self.end:
            raise Corrupt(
                f"the journal {self._folder} holds positions {self.start:,} to {self.end:,},"
                f" the snapshot needs it from {since:,} on",
                fix="restore the whole folder of the monitor from one copy",
            )
