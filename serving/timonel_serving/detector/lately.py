"""The events of the newest messages as they were read at the door, so that they are not parsed twice."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from timonel_serving.detector.half import Half, Refusal

_MOST = 4 * 2**20
"""Bytes of messages; parsed they take several times that."""

Events = Sequence[Half | Refusal]
Parsed = tuple[int, Events]
"""When a message came, and its events."""


class Lately:
    """Bounded, and never needed: what is not here is read from the spool's bytes, with the same result."""

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._size = most, 0
        self._held: OrderedDict[int, tuple[Parsed, int]] = OrderedDict()
        self._taken = 0
        self._lock = Lock()

    def put(self, end: int, parsed: Parsed, size: int) -> None:
        """Keep the message whose record ends at a position, if there is room and nobody came before."""
        with self._lock:
            if end > self._taken and self._size + size <= self._most:
                self._held[end] = parsed, size
                self._size += size

    def take(self, end: int) -> Parsed | None:
        """The message of the record that ends at a position, once; positions rise."""
        with self._lock:
            self._taken = max(self._taken, end)
            found = None
            while self._held and next(iter(self._held)) <= end:
                at, (parsed, size) = self._held.popitem(last=False)
                self._size -= size
                found = parsed if at == end else None
            return found
