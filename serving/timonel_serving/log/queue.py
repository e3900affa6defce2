"""Sends CloudEvents, every inference to a detector above all, and lets nobody wait for it.

A bounded queue and one thread: what does not fit, or cannot be delivered, is dropped and counted by
its reason.
"""

import http.client
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar
from urllib.parse import SplitResult, urlsplit

from timonel.errors import BadInput
from timonel_serving.log.cloudevents import Inference, Service, events

_MAX_BYTES = 64 * 2**20
_TIMEOUT = 5.0
_PAUSES = (0.1, 0.5, 2.0)
_log = logging.getLogger("timonel.serving")


class LogCounters(Protocol):
    """Where deliveries and losses are counted."""

    def log_sent(self) -> None:
        """Count an inference delivered."""

    def log_dropped(self, reason: str, count: int = 1) -> None:
        """Count inferences given up."""


class Sized(Protocol):
    """What can wait to be sent."""

    @property
    def size(self) -> int:
        """Bytes that it holds in memory, about."""
        ...


Sent = TypeVar("Sent", bound=Sized)
Events = Iterable[tuple[dict[str, str], bytes]]
"""Headers and body of each."""


class EventLog(Generic[Sent]):
    """The queue and its sender."""

    def __init__(
        self,
        address: SplitResult,
        events_of: Callable[[Sent], Events],
        *,
        capacity: int,
        counters: LogCounters,
    ) -> None:
        self._address = address
        self._events_of = events_of
        self._capacity = capacity
        self._counters = counters
        self._queue: deque[Sent] = deque()
        self._bytes = 0
        self._wake = threading.Condition()
        self._stop_at: float | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    @property
    def depth(self) -> int:
        """Those that wait."""
        return len(self._queue)

    def put(self, what: Sent) -> None:
        """Queue it, or drop it; returns at once."""
        with self._wake:
            full = len(self._queue) >= self._capacity
            if not full and self._bytes + what.size <= _MAX_BYTES:
                self._queue.append(what)
                self._bytes += what.size
                self._wake.notify()
                return
        self._counters.log_dropped("queue_full" if full else "bytes_full")

    def close(self, seconds: float) -> None:
        """Deliver what waits, for `seconds` at most; the rest is counted as lost."""
        with self._wake:
            self._stop_at = time.monotonic() + seconds
            self._wake.notify()
        self._thread.join(seconds + 0.2)
        with self._wake:
            left = len(self._queue)
            self._queue.clear()
        if left:
            self._counters.log_dropped("shutdown", left)

    def _run(self) -> None:
        while (what := self._next()) is not None:
            try:
                reason = self._deliver(what)
            except Exception:
                _log.exception("an event could not be rendered")
                reason = "internal"
            if reason is None:
                self._counters.log_sent()
            else:
                self._counters.log_dropped(reason)
        self._disconnect()

    def _next(self) -> Sent | None:
        with self._wake:
            while not self._queue:
                if self._stop_at is not None:
                    return None
                self._wake.wait()
            if self._overdue():
                return None
            what = self._queue.popleft()
            self._bytes -= what.size
            return what

    def _deliver(self, what: Sent) -> str | None:
        """Send all its events; the reason why not, if not."""
        for headers, body in self._events_of(what):
            reason = self._post(headers, body)
            for pause in _PAUSES:
                if reason is None or reason == "refused" or not self._pause(pause):
                    break
                reason = self._post(headers, body)
            if reason is not None:
                return reason
        return None

    def _post(self, headers: dict[str, str], body: bytes) -> str | None:
        """Send one event: None when it arrived, "refused" where a repetition is of no use."""
        try:
            connection = self._connection or self._connect()
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            self._disconnect()
            return "timeout" if isinstance(error, TimeoutError) else "unreachable"
        if response.status < 300:
            return None
        return "refused" if response.status < 500 and response.status != 429 else "receiver_error"

    @property
    def _path(self) -> str:
        query = f"?{self._address.query}" if self._address.query else ""
        return (self._address.path or "/") + query

    def _connect(self) -> http.client.HTTPConnection:
        secure = self._address.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connection = kind(self._address.hostname or "", self._address.port, timeout=_TIMEOUT)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _pause(self, seconds: float) -> bool:
        """Wait before a repetition; False when the server stops meanwhile."""
        with self._wake:
            return not self._wake.wait_for(lambda: self._stop_at is not None, seconds)

    def _overdue(self) -> bool:
        return self._stop_at is not None and time.monotonic() > self._stop_at


class InferenceLog(EventLog[Inference]):
    """The log of inferences."""

    def __init__(self, url: str, service: Service, *, capacity: int, counters: LogCounters) -> None:
        address = receiver_address(url, "serving.log_url")
        super().__init__(
            address, lambda one: events(one, service), capacity=capacity, counters=counters
        )


def receiver_address(url: str, setting: str) -> SplitResult:
    """The parts of an address that events can be sent to."""
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise BadInput(f"{setting} is {url!r}: expected an address such as http://localhost:9300/")
    return address
