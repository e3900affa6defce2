"""Who may wait for the model, and for how long: a bounded queue before one worker thread."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from timonel_serving.problems import Draining, Overloaded

T = TypeVar("T")

_SMOOTHING = 0.2


class Gate:
    """Admits requests to the model.

    Small ones run at once in the event loop and queue nowhere. Others take a place before their body
    is read, so that neither their number nor their bytes grow without bound; with `max_queue` waiting
    the next is refused with the time after which it should come again.
    """

    def __init__(self, max_queue: int) -> None:
        self._max_queue = max_queue
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._seconds = 0.0
        self._running = 0
        self.places = 0
        self.under_way = 0
        self.draining = False

    @property
    def waiting(self) -> int:
        """Requests that have a place and whose turn has not come."""
        return max(0, self.places - self._running)

    def enter(self) -> None:
        """Count a request as under way; refuses it once the server drains."""
        if self.draining:
            raise Draining("the server is stopping", retry_after=1, fix="send it again")
        self.under_way += 1

    def leave(self) -> None:
        """Count a request that had entered as done."""
        self.under_way -= 1

    @contextmanager
    def request(self) -> Iterator[None]:
        """Be under way for the length of a block."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place in the queue; raises `Overloaded` when there is none."""
        if self.waiting >= self._max_queue:
            raise Overloaded(
                f"{self.waiting} requests wait for the model, at most {self._max_queue} may",
                retry_after=self._retry_after(),
                fix="send it again after the time in Retry-After, or raise serving.max_queue",
            )
        self.places += 1
        try:
            yield
        finally:
            self.places -= 1

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in the model's thread; who cancels while it waits takes it out of the queue."""
        return await asyncio.wrap_future(self._worker.submit(self._timed, work))

    def _timed(self, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        self._running = 1
        try:
            return work()
        finally:
            self._running = 0
            self._seconds += _SMOOTHING * (time.perf_counter() - start - self._seconds)

    def _retry_after(self) -> int:
        return min(60, max(1, math.ceil(self.waiting * self._seconds)))
