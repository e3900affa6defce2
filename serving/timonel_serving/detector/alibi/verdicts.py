"""Alibi Detect beside the detector: rows are offered, verdicts come of it, and nothing of it is waited for.

    verdicts = Verdicts(plan, reference_rows, limits, metrics, log, environment)
    verdicts.start()
    verdicts.offer(table)          # from any thread; returns at once
    verdicts.stop()

A worker that dies, hangs or takes too much memory is started anew, ever more rarely; after a number of
failures in a row it is given up, which log and metrics say.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from prometheus_client import CollectorRegistry

from timonel_serving.detector.alibi.messages import Plan, Refused, Verdict
from timonel_serving.detector.alibi.metrics import AlibiMetrics
from timonel_serving.detector.alibi.sink import VerdictEvent
from timonel_serving.detector.alibi.windows import Windows
from timonel_serving.detector.alibi.worker_handle import COMMAND, Died, WorkerHandle
from timonel_serving.detector.batch import ROLES
from timonel_serving.log.queue import EventLog

_log = logging.getLogger("timonel.serving")
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds before the next start, by failures in a row; after one more it is given up."""
_LOADING = 120.0
"""Seconds that a worker may take to load its detector, or longer if a verdict may."""
_LOOK = 1.0
"""Seconds between two looks at whether an idle worker still lives."""
_LAST_CALL = 2.0
"""Seconds in which verdicts at hand are still sent."""


@dataclass(frozen=True)
class Limits:
    """How much, and how long."""

    window: int
    """Rows of a window."""
    every: float | None
    """Seconds after which a smaller one is judged."""
    timeout: float
    """Seconds that a verdict may take."""
    pauses: Sequence[float] = PAUSES


class Verdicts:
    """A tap of the detector."""

    def __init__(
        self,
        plan: Plan,
        reference: pa.Table,
        limits: Limits,
        metrics: AlibiMetrics,
        log: EventLog[VerdictEvent] | None,
        environment: Mapping[str, str],
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._plan, self._reference, self._limits = plan, reference, limits
        self._metrics, self._log = metrics, log
        self._environment, self._command = environment, command
        self._windows = Windows(limits.window, limits.every)
        self._failures = 0
        self._stopping = threading.Event()
        self._worker: WorkerHandle | None = None
        self._thread = threading.Thread(target=self._run, name="alibi", daemon=True)

    @property
    def series(self) -> CollectorRegistry:
        """Its time series; a registry can be registered in another one."""
        return self._metrics.registry

    @property
    def pid(self) -> int | None:
        """The worker's id while there is one."""
        worker = self._worker
        return None if worker is None else worker.pid

    def start(self) -> None:
        """Start the worker."""
        if self._log is not None:
            self._log.start()
        self._thread.start()

    def offer(self, batch: pa.Table) -> None:
        """Take the rows, or shed them where there is no room; never blocks, never raises."""
        try:
            if not self._windows.put(self._wanted(batch)):
                self._metrics.shed(batch.num_rows)
        except Exception:
            _log.exception("%d rows could not be offered to Alibi Detect", batch.num_rows)
            self._metrics.rows("unreadable", batch.num_rows)

    def stop(self) -> None:
        """End the worker, and send what was said."""
        self._stopping.set()
        self._windows.close()
        worker = self._worker
        if worker is not None:
            worker.kill()
        if self._thread.ident is not None:
            self._thread.join()
        if self._log is not None:
            self._log.close(_LAST_CALL)

    def _wanted(self, batch: pa.Table) -> pa.Table:
        """The features that the detector looks at, and who the rows are."""
        rows = batch[ROLES["features"]].combine_chunks()
        names = {field.name for field in rows.type}
        columns = {n: rows.field(n) for n in self._plan.features if n in names}
        identity = ROLES["prediction_id"]
        if identity in batch.column_names:
            columns[identity] = batch[identity].combine_chunks()
        return pa.table(columns or {identity: pa.nulls(batch.num_rows)})

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._serve()
            except Died as died:
                if not self._again(str(died)):
                    return
            except Exception:
                _log.exception("Alibi Detect's process failed")
                if not self._again("an internal error"):
                    return

    def _serve(self) -> None:
        """Start a worker and let it judge until the end; `Died` if it goes before."""
        worker = WorkerHandle(self._environment, self._command)
        self._worker = worker
        try:
            if self._stopping.is_set():
                return
            said = worker.make(self._plan, self._reference, max(_LOADING, self._limits.timeout))
            if isinstance(said, Refused):
                self._give_up(said.problem)
                return
            self._metrics.ready(said)
            _log.info(
                "Alibi Detect: %s, digest %s, process %d", said.detector, said.digest, worker.pid
            )
            while (batches := self._windows.next(_LOOK)) is not None:
                worker.check()
                if batches:
                    self._judge(worker, batches)
        finally:
            self._worker = None
            worker.close()

    def _judge(self, worker: WorkerHandle, batches: Sequence[pa.Table]) -> None:
        rows = sum(batch.num_rows for batch in batches)
        window = self._joined(batches, rows)
        if window is None:
            return
        identity = ROLES["prediction_id"]
        last = window[identity][-1].as_py() if identity in window.column_names else None
        try:
            said = worker.judge(window, self._limits.timeout)
        except Died:
            self._metrics.rows("lost", rows)
            raise
        self._failures = 0
        self._metrics.rows("judged", rows)
        self._tell(said, last)

    def _joined(self, batches: Sequence[pa.Table], rows: int) -> pa.Table | None:
        try:
            return pa.concat_tables(batches, promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            # a column that is a number in one batch and a text in the next
            _log.warning("a window of %d rows cannot be judged: %s", rows, error)
            self._metrics.rows("unreadable", rows)
            return None

    def _tell(self, said: Verdict, last: str | None) -> None:
        report, now = said.report, time.time()
        self._metrics.verdict(said, now)
        if report["state"] != "ok":
            _log.warning("Alibi Detect on %d rows: %s", report["rows"], report["problem"])
        elif self._log is not None and report["response"] is not None:
            self._log.put(VerdictEvent.of(report, last, now))

    def _again(self, why: str) -> bool:
        """Wait for the next start; False where there is none."""
        if self._stopping.is_set():
            return False
        if self._failures >= len(self._limits.pauses):
            self._give_up(f"it failed {self._failures + 1} times in a row, the last time by {why}")
            return False
        pause = self._limits.pauses[self._failures]
        self._failures += 1
        self._metrics.gone(for_good=False)
        _log.error("Alibi Detect's process ended: %s. The next one in %g s", why, pause)
        return not self._stopping.wait(pause)

    def _give_up(self, why: str) -> None:
        self._metrics.gone(for_good=True)
        self._stopping.set()
        self._windows.close()
        _log.critical("Alibi Detect is given up until the next start: %s", why)
