"""What waits for one destination, bounded in rows and bytes. Nothing leaves before it has arrived."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition

from timonel_serving.detector.delivery.piece import Piece

_MOST_BYTES = 64 * 2**20
_MOST_EMPTY = 100
"""Pieces that may wait when one without rows comes: it says nothing that the next one does not."""


@dataclass(frozen=True)
class Pace:
    """How often a destination is given something, and how much may wait for it."""

    every: float
    """Seconds that rows wait for others at most."""
    rows: int
    """Rows that are delivered at once, about."""
    waiting: int
    """Rows that may wait; the next ones stay in the spool."""


@dataclass(frozen=True, eq=False)
class _Waiting:
    piece: Piece
    rows: int
    size: int
    since: float


class Outbox:
    """A queue with one who fills it and one who empties it."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._queue: deque[_Waiting] = deque()
        self._changed = Condition()
        self._closed = False
        self.rows = 0
        """Rows that wait, those under way included."""
        self.size = 0
        """Their bytes."""

    @property
    def full(self) -> bool:
        """Whether nothing more should be put in."""
        return self.rows >= self._pace.waiting or self.size >= _MOST_BYTES

    @property
    def oldest(self) -> float:
        """Seconds since the oldest piece with rows came; 0 if there is none."""
        with self._changed:
            first = next((one.since for one in self._queue if one.rows), None)
        return 0.0 if first is None else time.monotonic() - first

    def put(self, piece: Piece) -> None:
        """Add a piece."""
        one = _Waiting(piece, piece.rows, piece.size, time.monotonic())
        with self._changed:
            if not one.rows and len(self._queue) >= _MOST_EMPTY:
                return
            self._queue.append(one)
            self.rows += one.rows
            self.size += one.size
            self._changed.notify()

    def close(self) -> None:
        """Let go of whoever waits: what is in goes at once, and nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def over(self) -> bool:
        """Whether nothing is in, nor will be."""
        return self._closed and not self._queue

    def next(self, patience: float) -> Sequence[Piece]:
        """The pieces to deliver next, once they are enough or old enough; none if none are in that time."""
        until = time.monotonic() + patience
        with self._changed:
            while not self._due():
                left = until - time.monotonic()
                if self.over or left <= 0:
                    return ()
                self._changed.wait(min(left, self._patience()))
            found: list[Piece] = []
            rows = 0
            for one in self._queue:
                if found and rows + one.rows > self._pace.rows:
                    break
                found.append(one.piece)
                rows += one.rows
            return found

    def remove(self, count: int) -> None:
        """Forget the first pieces: they have arrived, or never will."""
        with self._changed:
            for _ in range(count):
                gone = self._queue.popleft()
                self.rows -= gone.rows
                self.size -= gone.size

    def _due(self) -> bool:
        if not self._queue:
            return False
        enough = self.rows >= self._pace.rows or 2 * self.size >= _MOST_BYTES
        return enough or self._closed or self._patience() <= 0

    def _patience(self) -> float:
        if not self._queue:
            return float("inf")
        return self._queue[0].since + self._pace.every - time.monotonic()
