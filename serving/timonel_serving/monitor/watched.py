"""One model that the service watches: what comes is journalled, then counted."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

import pyarrow as pa

from timonel.config import Config
from timonel.ledger import Ledger
from timonel.ledger import Record as Decision
from timonel.monitor.monitor import ModelMonitor
from timonel.monitor.parcel import Parcel
from timonel_serving.monitor.counters import Counters
from timonel_serving.monitor.detectors import Detectors
from timonel_serving.monitor.health import health_of
from timonel_serving.monitor.journal import Journal
from timonel_serving.monitor.labels import Labels, answer, read_labels
from timonel_serving.monitor.readings import Readings, read
from timonel_serving.monitor.records import Record, read_delivery, read_table, table_bytes
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
        self.counters = Counters()
        self._readings: Readings | None = None
        for _, payload in self._journal.read(self._journal.start):
            self._recount(Record.unpack(payload))

    def take(self, detector: str, mark: int, delivery: Parcel | pa.Table) -> int:
        """Count what a detector has seen up to a mark; the highest mark that is safely on disk.

        What lies below that mark already is not counted again.
        """
        if isinstance(delivery, Parcel):
            return self.receive(
                Record("parcel", delivery.to_bytes(), detector, mark, self._clock())
            )
        return self.receive(Record("rows", table_bytes(delivery), detector, mark, self._clock()))

    def receive(self, record: Record) -> int:
        """The same, of what came over the network; without a body the detector only says it is there."""
        delivery = read_delivery(record) if record.body else None
        with self._lock:
            known = self._detectors.hear(record.detector, record.heard)
            if delivery is None or record.mark <= known:
                return known
            self._journal.append(record.pack(), 1)
            self._count(record, delivery)
            return record.mark

    def mark(self, detector: str) -> int:
        """Up to where a detector's deliveries are safely on disk; 0 if it is not known."""
        return self._detectors.mark(detector)

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

    def upkeep(self) -> None:
        """What is due from time to time."""
        self.judge()

    def refused(self, code: str) -> None:
        """Count a delivery that was not taken."""
        with self._lock:
            self.counters.refused[code] += 1

    def now(self) -> float:
        """The wall clock."""
        return self._clock()

    @property
    def last_readings(self) -> Readings | None:
        """The same if it was ever judged: nothing is computed."""
        return self._readings

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
        return max(round(self._clock() * 1e6), self._detectors.newest)

    def _recount(self, record: Record) -> None:
        """Count a record of the journal, whatever is in it: what failed before fails again."""
        try:
            if record.kind == "labels":
                self._label(Labels(read_table(record.body), 0))
            else:
                self._detectors.hear(record.detector, record.heard)
                self._count(record, read_delivery(record))
        except Exception:
            _log.exception("a record of the journal could not be counted")

    def _count(self, record: Record, delivery: Parcel | pa.Table) -> None:
        if isinstance(delivery, Parcel):
            self.monitor.merge(delivery)
            parcel = delivery
        else:
            self.monitor.track_batch(delivery)
            parcel = self._parcel_of(delivery)
        self.counters.add(parcel.served())
        self._detectors.count(record.detector, record.mark, parcel.newest)

    def _parcel_of(self, rows: pa.Table) -> Parcel:
        """The same rows as a detector that knows the task would count them."""
        one = ModelMonitor(None, self.monitor.config)
        one.track_batch(rows)
        return one.hand_over()

    def _label(self, labels: Labels) -> LabelAnswer:
        before = self.monitor.label_counts
        self.monitor.track_labels(labels.table)
        return answer(labels, self.monitor.label_counts.since(before))
