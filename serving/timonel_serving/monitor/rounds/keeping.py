"""The thread that brings labels and hourly figures to the ledger, however long that one does not answer."""

import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from timonel.errors import TimonelError
from timonel.monitor.metrics import Metrics
from timonel.reference.classes import class_name
from timonel_serving.monitor.disk.records import Record, read_table
from timonel_serving.monitor.models.labels import TIME
from timonel_serving.monitor.models.watched import Watched
from timonel_serving.monitor.rollouts.recording import record
from timonel_serving.monitor.served.recording import record_served

if TYPE_CHECKING:
    from timonel.ledger import Ledger

_log = logging.getLogger("timonel.monitor")
_EVERY = 5.0
"""Seconds between two commits: what comes between shares one."""
_LONGEST_PAUSE = 60.0
_ROWS = 50_000
"""Labels of a commit, about."""
_MOST = 2**30
"""Bytes of the journal that are kept for a ledger that does not answer."""
_HOUR = timedelta(hours=1)
_BACK = 24 * 35
"""Hours that are looked back at most."""


class Keeping:
    """From a model's journal and windows to the ledger; each row once, over restarts too."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._writer = f"monitor.{watched.name}.{watched.store.snapshot.identity}"
        self._asked = False
        """Whether the ledger has said how far this writer has come."""
        self._measured = 0
        """Hours since 1970 up to which figures are in the ledger."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeping", daemon=True)

    def start(self) -> None:
        """Start bringing."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is under way; the rest stays in the journal."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        pause = _EVERY
        while not self._stopping.wait(pause):
            try:
                self.bring()
                pause = _EVERY
            except Exception as error:
                # after a failure the ledger is asked anew: the last commit may have arrived
                self._asked, pause = False, min(2 * pause, _LONGEST_PAUSE)
                known = isinstance(error, TimonelError)
                _log.warning("the ledger takes nothing for now: %s", error, exc_info=not known)
                self._shed()

    def bring(self) -> None:
        """Bring all that is new."""
        watched, rollouts = self._watched, self._watched.rollouts
        labels = watched.delivered < watched.store.journal.end
        new = labels or rollouts.unrecorded or rollouts.due or watched.served.unrecorded
        if self._asked and not (new or self._due()):
            return
        ledger = watched.ledger
        assert ledger is not None
        record(rollouts, ledger, afresh=not self._asked)
        rollouts.hold()
        record_served(watched.served, watched.name, ledger)
        if not self._asked:
            watched.delivered = max(watched.delivered, ledger.mark(self._writer, "labels"))
            self._measured = ledger.mark(self._writer, "windows")
            self._asked = True
        self._bring_labels(ledger)
        self._bring_windows(ledger)

    def _bring_labels(self, ledger: "Ledger") -> None:
        from timonel.ledger import Mark

        found: list[pa.Table] = []
        reached = self._watched.delivered
        for position, payload in self._watched.store.journal.read(reached):
            reached, record = position, Record.unpack(payload)
            if record.kind == "labels":
                found.append(_ledger_rows(record))
            if sum(table.num_rows for table in found) >= _ROWS:
                break
        if found:
            table = pa.concat_tables(found, promote_options="permissive")
            ledger.append("labels", table, Mark(self._writer, reached))
        self._watched.delivered = reached

    def _due(self) -> range:
        """The hours that are over and not in the ledger."""
        newest = self._watched.monitor.newest
        if newest is None:
            return range(0)
        over = newest - self._watched.config.monitoring.monitor.lateness
        last = int(over.timestamp() // _HOUR.total_seconds())
        return range(max(self._measured, last - _BACK), last)

    def _bring_windows(self, ledger: "Ledger") -> None:
        from timonel.ledger import Mark

        due = self._due()
        if not due:
            return
        versions = (None, *(v for v in self._watched.readings().standing.versions if v))
        found = [self._figures(hour, version) for hour in due for version in versions]
        rows = [_window_rows(self._watched.name, one) for one in found if one.n]
        if rows:
            ledger.append("windows", pa.concat_tables(rows), Mark(self._writer, due.stop))
        self._measured = due.stop

    def _figures(self, hour: int, version: str | None) -> Metrics:
        start = datetime.fromtimestamp(hour * _HOUR.total_seconds(), UTC)
        return self._watched.monitor.calculate_metrics(_HOUR, start=start, version=version)

    def _shed(self) -> None:
        """Keep no more for the ledger than the bound; the model's own state loses nothing."""
        watched = self._watched
        position = watched.store.snapshot.position
        if watched.store.journal.end - watched.delivered > _MOST and position > watched.delivered:
            lost = position - watched.delivered
            watched.delivered = position
            watched.refused("ledger_behind")
            _log.error("labels in %d bytes of the journal will not be in the ledger", lost)


def _ledger_rows(record: Record) -> pa.Table:
    table = read_table(record.body)
    heard = pa.scalar(round(record.heard * 1e6), pa.int64()).cast(TIME)
    arrived = pc.fill_null(table["arrived_at"], heard)
    return pa.table(
        {
            "prediction_id": table["prediction_id"],
            "label": _names(table["actual"]),
            "event_time": arrived,
            "arrival_time": arrived,
        }
    )


def _names(actual: pa.ChunkedArray) -> pa.Array:
    """Outcomes by the names that all parts know them by; the items of a list as JSON."""
    values = actual.to_pylist()
    lists = pa.types.is_list(actual.type)
    return pa.array([json.dumps(v) if lists else class_name(v) for v in values], pa.string())


def _window_rows(model: str, found: Metrics) -> pa.Table:
    table = found.to_frame().drop_columns(["window_end"])
    size = (found.end - found.start) // timedelta(microseconds=1)
    table = table.append_column("model", pa.array([model] * table.num_rows))
    return table.append_column("window_size", pa.array([size] * table.num_rows, pa.int64()))
