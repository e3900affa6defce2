"""Rows that wait to be judged: bounded, and never in the way of who brings them."""

import threading
import time
from collections import deque

import pyarrow as pa

MOST_BYTES = 64 * 2**20
FEWEST = 30
"""Rows of a window that is judged though it is not full."""


class Windows:
    """A bounded queue of batches, taken as windows. One thread takes; any may offer."""

    def __init__(self, size: int, every: float | None, most_bytes: int = MOST_BYTES) -> None:
        self._size, self._every, self._most = size, every, most_bytes
        self._batches: deque[pa.Table] = deque()
        self._rows = self._bytes = 0
        self._since = 0.0
        self._changed = threading.Condition()
        self._closed = False

    def put(self, batch: pa.Table) -> bool:
        """Queue a batch; False where there is no room for it."""
        size = batch.nbytes
        with self._changed:
            if self._closed or self._bytes + size > self._most:
                return False
            if not self._batches:
                self._since = time.monotonic()
            self._batches.append(batch)
            self._rows += batch.num_rows
            self._bytes += size
            self._changed.notify()
            return True

    def next(self, wait: float) -> list[pa.Table] | None:
        """The batches of the next window, `size` rows together; none if it is not whole in `wait` seconds.

        Fewer rows once `every` seconds have passed, or where more have no room. None at the end.
        """
        end = time.monotonic() + wait
        with self._changed:
            while not self._closed and not self._ready():
                now = time.monotonic()
                if now >= end:
                    return []
                self._changed.wait(min(end, self._due() or end) - now)
            return None if self._closed else self._take()

    def close(self) -> None:
        """Take no more, and free who waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _ready(self) -> bool:
        if self._rows >= self._size or self._bytes > self._most // 2:
            return True
        due = self._due()
        return due is not None and time.monotonic() >= due

    def _due(self) -> float | None:
        """When a window that is not full is judged."""
        if self._every is None or self._rows < FEWEST:
            return None
        return self._since + self._every

    def _take(self) -> list[pa.Table]:
        taken, wanted = [], self._size
        while self._batches and wanted:
            batch = self._batches.popleft()
            self._bytes -= batch.nbytes
            if batch.num_rows > wanted:
                rest = batch.slice(wanted)
                batch = batch.slice(0, wanted)
                self._batches.appendleft(rest)
                self._bytes += rest.nbytes
            taken.append(batch)
            wanted -= batch.num_rows
        self._rows -= self._size - wanted
        self._since = time.monotonic()
        return taken
