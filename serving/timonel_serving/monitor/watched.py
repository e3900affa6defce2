"""One model that the service watches: what comes is journalled, then counted."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

import pyarrow as pa

from timonel.config import Config
from timonel.frames import named_columns
from timonel.ledger import Ledger
from timonel.ledger import Record as Decision
from timonel.monitor.monitor import ModelMonitor
from timonel.monitor.times import NO_TIME, micros_of
from timonel_serving.monitor.detectors import Detectors
from timonel_serving.monitor.health import health_of
from timonel_serving.monitor.journal import Journal
from timonel_serving.monitor.labels import Labels, answer, read_labels
from timonel_serving.monitor.readings import Readings, read
from timonel_serving.monitor.records import Record, read_table, table_bytes
from timonel_serving.monitor.states import DetectorStatus, Health, LabelAnswer

_log = logging.getLogger("timonel.monitor")

Clock = Callable[[], float]
"""Now, by the wall clock: seconds since 1970 UTC."""


@dataclass(frozen=True)
class Place:
    """Where a model's state lies, and its ledger."""

    folder: Path
    ledger: Ledger | None = None


class Watched:
    """A model, its windows and its detectors. Safe to use from several threads."""

    def __init__(
        self, name: str, config: Config, monitor: ModelMonitor, place: Place, clock: Clock
    ) -> None:
        self.name, self.config, self.monitor = name, config, monitor
        self._ledger, self._clock = place.ledger, clock
        self._lock = RLock()
        self._detectors = Detectors(config.monitoring.monitor.stale_after)
        self._journal = Journal(place.folder / "journal")
        self._readings: Readings | None = None
        for _, payload in self._journal.read(self._journal.start):
            self._recount(Record.unpack(payload))

    def take(self, detector: str, mark: int, delivery: pa.Table) -> int:
        """Count what a detector has seen up to a mark; the highest mark that is safely on disk.

        What lies below that mark already is not counted again.
        """
        body = table_bytes(delivery)
        return self.receive(Record("rows", body, detector, mark, self._clock()))

    def receive(self, record: Record) -> int:
        """The same, of what came over the network."""
        rows = read_table(record.body)
        with self._lock:
            known = self._detectors.hear(record.detector, record.heard)
            if record.mark <= known:
                return known
            self._journal.append(record.pack(), rows.num_rows)
            self._count(record, rows)
            return record.mark

    def label(self, rows: pa.Table) -> LabelAnswer:
        """Count outcomes; what became of them."""
        with self._lock:
            labels = read_labels(rows, self._latest())
            if not labels.table.num_rows:
                return answer(labels, None)
            record = Record("labels", table_bytes(labels.table), heard=self._clock())
            self._journal.append(record.pack(), labels.table.num_rows)
            return self._label(labels)

    def detectors(self) -> tuple[DetectorStatus, ...]:
        """All that were heard of lately."""
        return self._detectors.status(self._clock())

    def health(self) -> Health:
        """How the model is, as it was judged last."""
        return health_of(self.readings().standing, self.detectors())

    def readings(self) -> Readings:
        """What was read from the windows at the last judging."""
        return self._readings or self.judge()

    def judge(self) -> Readings:
        """Judge what is over, and read what is asked for all the time."""
        self._readings = read(self.monitor, self.config, self._clock())
        return self._readings

    def decisions(self) -> list[Decision]:
        """The ledger's decisions about this model, newest first."""
        found = [] if self._ledger is None else self._ledger.decisions()
        return [one for one in reversed(found) if one.model in (None, "", self.name)]

    def close(self) -> None:
        """Stop; what was answered is on the disk."""
        with self._lock:
            self._journal.close()

    def _latest(self) -> int:
        """Micros up to which an arrival is believed, as far as event time and the wall clock say."""
        return max(round(self._clock() * 1e6), self._newest())

    def _newest(self) -> int:
        return self._detectors.newest

    def _recount(self, record: Record) -> None:
        """Count a record of the journal, whatever is in it: what failed before fails again."""
        try:
            if record.kind == "labels":
                self._label(Labels(read_table(record.body), 0))
            else:
                self._detectors.hear(record.detector, record.heard)
                self._count(record, read_table(record.body))
        except Exception:
            _log.exception("a record of the journal could not be counted")

    def _count(self, record: Record, rows: pa.Table) -> None:
        self.monitor.track_batch(rows)
        self._detectors.count(record.detector, record.mark, self._time_of(rows))

    def _time_of(self, rows: pa.Table) -> int:
        columns, _ = named_columns(rows)
        named = self.monitor.config.columns.get("timestamp")
        name = next((n for n in (named, "timestamp", "event_time") if n in columns), None)
        return NO_TIME if name is None else int(micros_of(columns[name]).max(initial=NO_TIME))

    def _label(self, labels: Labels) -> LabelAnswer:
        before = self.monitor.label_counts
        self.monitor.track_labels(labels.table)
        return answer(labels, self.monitor.label_counts.since(before))
