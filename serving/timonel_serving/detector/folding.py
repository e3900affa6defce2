"""The thread that reads the spool, joins the halves and folds the rows, out of the way of every answer."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import pyarrow as pa

from timonel_serving.detector.batch import Batch
from timonel_serving.detector.half import Refusal
from timonel_serving.detector.join import Inference, Join
from timonel_serving.detector.message import Message
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

Clock = Callable[[], int]
"""Now, in microseconds since 1970 UTC."""


class Folder(Protocol):
    """What counts the rows: a ModelMonitor."""

    def track_batch(self, frame: pa.Table) -> None:
        """Count rows."""


class Folding:
    """From the spool to the monitor."""

    def __init__(
        self,
        spool: Spool,
        join: Join,
        folder: Folder,
        tally: Tally,
        *,
        names: Sequence[str] = (),
        services: Sequence[str] | None = None,
        clock: Clock,
    ) -> None:
        self._spool, self._join, self._folder, self._tally = spool, join, folder, tally
        self._names, self._clock = names, clock
        self._services = None if services is None else frozenset(services)
        self._batch = Batch()
        self._since = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="folding", daemon=True)

    def start(self) -> None:
        """Start reading, from the spool's resume point on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the messages at hand; the rest stays in the spool."""
        self._stopping.set()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Halves that wait for the other one."""
        return len(self._join)

    @property
    def resume_point(self) -> int:
        """Where reading has to begin again for what is not folded yet."""
        oldest = self._join.oldest
        return self._spool.cursor if oldest is None else oldest

    def _run(self) -> None:
        while not self._stopping.is_set():
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
        self._flush()

    def _take(self, record: Record) -> None:
        message = Message.unpack(record.payload)
        for event in message.events():
            if isinstance(event, Refusal):
                continue  # counted when it was answered
            if self._services is not None and event.model not in self._services:
                self._tally.count(Refusal.SERVICE)
                continue
            inference = self._join.add(event, message.received, record.start)
            if inference is not None:
                self._add(inference)

    def _add(self, inference: Inference) -> None:
        rows = self._read(inference)
        if isinstance(rows, Fold):
            self._tally.count(rows)
            return
        self._batch.add(rows)
        if self._batch.rows >= _ROWS or self._batch.wide:
            self._flush()

    def _read(self, inference: Inference) -> Rows | Fold:
        try:
            return read_rows(inference, self._names)
        except Exception:
            # one event that nobody foresaw must not end the thread, and after it each restart
            _log.exception("inference %r could not be read", inference.request.id)
            return Fold.FAILED

    def _flush(self) -> None:
        batch, self._batch, self._since = self._batch, Batch(), time.monotonic()
        if not batch.inferences:
            return
        try:
            self._folder.track_batch(batch.table())
        except Exception:
            _log.exception("%d inferences could not be folded", batch.inferences)
            self._tally.count(Fold.FAILED, batch.inferences)
        else:
            self._tally.count(Fold.FOLDED, batch.inferences)
