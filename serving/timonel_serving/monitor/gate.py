"""How many may send at once: what waits is bounded, and so is its memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from timonel_serving.problems import Overloaded

MOST = 16
"""Bodies that are read or counted at once."""


class Gate:
    """Lets a few in. For one event loop."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._inside = most, 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be inside; raises `Overloaded` at once where there are too many."""
        if self._inside >= self._most:
            raise Overloaded(
                f"{self._most} deliveries are being written already",
                retry_after=1,
                fix="send more labels in one request, and again after Retry-After",
            )
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
