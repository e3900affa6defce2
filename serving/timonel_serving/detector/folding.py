"""The thread that reads the spool, joins the halves and passes rows on, out of the way of every answer."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from timonel.errors import TimonelError
from timonel_serving.detector.batch import Batch, Read
from timonel_serving.detector.checkpoints import Checkpoints
from timonel_serving.detector.failure import told
from timonel_serving.detector.half import Refusal
from timonel_serving.detector.join import Inference, Join
from timonel_serving.detector.judging import Judging
from timonel_serving.detector.lately import Lately, Parsed
from timonel_serving.detector.message import Message
from timonel_serving.detector.onward import Onward
from timonel_serving.detector.rows import Rows, read_rows
from timonel_serving.detector.spool import Record, Spool
from timonel_serving.detector.tally import Fold, Tally

_log = logging.getLogger("timonel.serving")

_ROWS = 2000
"""Rows that are folded at once: below, what a call costs shows."""
_SECONDS = 1.0
"""How long rows wait for others."""
_PAUSE = 0.05
"""Seconds in which events gather where few come."""
_BYTES = 256 * 1024
"""What is read from the spool at once."""
_MARGIN = 1_000_000
"""Microseconds that the clock may run ahead of an event that is being written."""
_HELD = 0.1
"""Seconds between looks at a destination that takes nothing."""
_TIDY = 5.0
"""Seconds between releases of the spool."""

Clock = Callable[[], int]
"""Now, in microseconds since 1970 UTC."""


class Folding:
    """From the spool onward."""

    def __init__(
        self,
        spool: Spool,
        join: Join,
        onward: Onward,
        judging: Judging,
        tally: Tally,
        lately: Lately,
        *,
        horizon: int,
        names: Sequence[str] = (),
        services: Sequence[str] | None = None,
        clock: Clock,
    ) -> None:
        """`horizon`: microseconds of delivered events that stay in the spool, so that a restart knows the
        duplicates of what came in this time."""
        self._spool, self._join, self._onward = spool, join, onward
        self._judging, self._tally, self._lately = judging, tally, lately
        self._names, self._clock = names, clock
        self._services = None if services is None else frozenset(services)
        self._batch, self._parts = Batch(), list[Read]()
        self._inferences = 0
        self._mark = self._passed = 0
        self._since = self._tidied = time.monotonic()
        self._checkpoints, self._released = Checkpoints(horizon), 0
        self.held = 0.0
        """Seconds in which nothing was read, for ledger or monitor had too much to take already."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="folding", daemon=True)

    def start(self) -> None:
        """Start reading, from the spool's resume point on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the messages at hand; the rest stays in the spool."""
        self._stopping.set()
        if self.alive:
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Halves that wait for the other one."""
        return len(self._join)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._onward.full:
                self._stopping.wait(_HELD)
                self.held += _HELD
            else:
                self._read_on()
            self._tidy()
        self._flush()

    def _read_on(self) -> None:
        records = self._spool.read(_BYTES, wait=0.2)
        for record in records:
            self._take(record)
        if sum(len(record.payload) for record in records) < _BYTES // 2:
            # a wake-up for each event would cost more than the event
            self._stopping.wait(_PAUSE)
        if not records:
            self._join.pass_time(self._clock() - _MARGIN)
        if not records or time.monotonic() - self._since > _SECONDS:
            self._flush()
            self._judging.look()

    def _take(self, record: Record) -> None:
        received, events = self._lately.take(record.end) or _unpacked(record)
        for event in events:
            if isinstance(event, Refusal):
                continue  # counted when it was answered
            if self._services is not None and event.model not in self._services:
                self._tally.count(Refusal.SERVICE)
                continue
            inference = self._join.add(event, received)
            if inference is not None:
                self._add(inference, record.end)
        self._mark = record.end
        self._checkpoints.note(record.end, self._join.now)
        if self._batch.rows >= _ROWS or self._parts:
            self._flush()

    def _add(self, inference: Inference, end: int) -> None:
        rows = self._read(inference)
        if isinstance(rows, Fold):
            self._tally.count(rows)
            return
        self._batch.add(rows, end)
        self._inferences += 1
        if self._batch.wide:
            self._cut()

    def _cut(self) -> None:
        """Begin a new table, in the midst of a record perhaps."""
        if self._batch.inferences:
            self._parts.append(self._batch.read())
        self._batch = Batch()

    def _read(self, inference: Inference) -> Rows | Fold:
        try:
            return read_rows(inference, self._names)
        except Exception as error:
            # one event that nobody foresaw must not end the thread, and after it each restart
            _log.error("inference %r could not be read: %s", inference.request.id, told(error))
            return Fold.FAILED

    def _flush(self) -> None:
        """Pass on the rows of the records read so far; where they had none, that these are done with."""
        self._since = time.monotonic()
        if self._mark == self._passed:
            return
        self._cut()
        parts, self._parts, self._passed = self._parts, [], self._mark
        inferences, self._inferences = self._inferences, 0
        try:
            self._onward.take(parts, self._mark)
        except Exception as error:
            _log.error("%d inferences could not be folded: %s", inferences, told(error))
            self._tally.count(Fold.FAILED, inferences)
        else:
            self._tally.count(Fold.FOLDED, inferences)

    def _tidy(self) -> None:
        """Release what every destination has."""
        mark, now = self._onward.mark, time.monotonic()
        if mark is None or now - self._tidied < _TIDY:
            return
        self._tidied = now
        position = self._checkpoints.before(mark)
        if position is None or position <= self._released:
            return
        try:
            self._spool.release(position)
            self._released = position
        except (OSError, TimonelError) as error:
            _log.warning("the spool could not be released: %s", error)


def _unpacked(record: Record) -> Parsed:
    message = Message.unpack(record.payload)
    return message.received, message.events()
