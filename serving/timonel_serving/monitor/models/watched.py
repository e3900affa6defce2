"""One model that the service watches: what comes is journalled, then counted."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import pyarrow as pa

from timonel.config import Config
from timonel.errors import BadInput, TimonelError
from timonel.monitor.monitor import ModelMonitor
from timonel.monitor.parcel import Parcel
from timonel_serving import memory
from timonel_serving.monitor.disk.records import (
    Record,
    check_unpacked,
    read_delivery,
    read_table,
    table_bytes,
)
from timonel_serving.monitor.disk.store import Snapshot, Store
from timonel_serving.monitor.models.counters import Counters
from timonel_serving.monitor.models.detectors import Detectors
from timonel_serving.monitor.models.health import health_of
from timonel_serving.monitor.models.labels import Labels, answer, read_labels, timed
from timonel_serving.monitor.models.readings import Readings, read
from timonel_serving.monitor.models.states import DetectorStatus, Health, LabelAnswer
from timonel_serving.monitor.rollouts.hosting import Rollouts
from timonel_serving.monitor.served.watching import Served
from timonel_serving.problems import Conflict

if TYPE_CHECKING:
    from timonel.diagnosis.record import Told
    from timonel.ledger import Ledger
    from timonel.ledger import Record as Decision

_log = logging.getLogger("timonel.monitor")
_MUCH = 256 * 2**20
"""Bytes of the journal after which a snapshot is due, however young the last one is."""

_UNPACKS, _LEAST_UNPACKED = 4, 64 * 2**20
"""Times max_body_mb that a delivery may unpack to, and bytes that it may in any case. What a detector counts
of 50,000 rows unpacks to ten times its size, which are a few MB."""

Clock = Callable[[], float]
"""Now, by the wall clock: seconds since 1970 UTC."""


@dataclass(frozen=True)
class Place:
    """Where a model's state lies, and its ledger."""

    folder: Path
    ledger: Callable[[], "Ledger"] | None = None
    """Opens it, when it is needed: its libraries load slowly."""
    serving: Path | None = None
    """The file in which a release says what serves."""


class Watched:
    """A model, its windows and its detectors. Safe to use from several threads."""

    def __init__(
        self, name: str, config: Config, monitor: ModelMonitor, place: Place, clock: Clock
    ) -> None:
        """Go on from what lies in the place; `monitor` is where it begins if nothing does."""
        self.name, self.config, self.monitor = name, config, monitor
        self._place, self._clock = place, clock
        self._lock = RLock()
        self._detectors = Detectors(config.monitoring.monitor.stale_after)
        self.counters = Counters()
        self.store = Store(place.folder)
        self.delivered = self.store.snapshot.delivered
        """Up to which position of the journal labels are in the ledger."""
        self._saved = clock()
        body = int(config.monitoring.monitor.max_body_mb * 2**20)
        self._most_unpacked = max(_UNPACKS * body, _LEAST_UNPACKED)
        self._readings: Readings | None = None
        self._resume(self.store.snapshot)
        self.rollouts = Rollouts(name, config, self, place.folder / "rollouts")
        """Canaries of this model that are judged here."""
        self.diagnosing = False
        """Whether a diagnosis is under way."""
        self.served = Served(place.serving, place.folder, clock)
        """Which version serves."""

    @cached_property
    def ledger(self) -> "Ledger | None":
        """Where labels, figures and decisions are kept; None: nowhere."""
        return None if self._place.ledger is None else self._place.ledger()

    @property
    def keeps(self) -> bool:
        """Whether there is a ledger."""
        return self._place.ledger is not None

    def take(self, detector: str, mark: int, delivery: Parcel | pa.Table) -> int:
        """Count what a detector has seen up to a mark; the highest mark that is safely on disk.

        What lies below that mark already is not counted again.
        """
        if isinstance(delivery, Parcel):
            return self.receive(Record("parcel", delivery.to_bytes(), detector, mark, self.now()))
        return self.receive(Record("rows", table_bytes(delivery), detector, mark, self.now()))

    def receive(self, record: Record) -> int:
        """The same, of what came over the network; without a body the detector only says it is there.

        Raises `NameTaken` for a second detector of one name, and `Conflict` for the parcel of one that
        counts otherwise.
        """
        delivery = self._read(record) if record.body else None
        with self._lock:
            self._detectors.admit(record.detector, record.heard, record.spool)
            known = self._detectors.hear(record.detector, record.heard, record.spool)
            if delivery is None or record.mark <= known:
                return known
            if isinstance(delivery, Parcel):
                self._check(delivery)
            self.store.journal.append(record.pack(), 1)
            self._count(record, delivery)
            return record.mark

    def mark(self, detector: str, spool: str = "") -> int:
        """Up to where a detector's deliveries are safely on disk; 0 if it is not known."""
        return self._detectors.mark(detector, spool)

    def leave(self, detector: str, spool: str = "") -> int:
        """Note that a detector has stopped, so that its silence is no fault; its mark, which is kept."""
        self._detectors.leave(detector, spool)
        return self.mark(detector, spool)

    def label(self, rows: pa.Table) -> LabelAnswer:
        """Count outcomes; what became of them."""
        with self._lock:
            newest = self._newest()
            labels = timed(read_labels(rows, max(round(self.now() * 1e6), newest)), newest)
            if not labels.table.num_rows:
                return answer(labels, None)
            record = Record("labels", table_bytes(labels.table), heard=self.now())
            self.store.journal.append(record.pack(), labels.table.num_rows)
            return self._label(labels)

    def detectors(self) -> tuple[DetectorStatus, ...]:
        """All that were heard of lately."""
        return self._detectors.status(self.now(), self._newest())

    def health(self) -> Health:
        """How the model is, as it was judged last."""
        return health_of(self.readings().standing, self.detectors())

    def readings(self) -> Readings:
        """What was read from the windows at the last judging."""
        return self._readings or self.judge()

    @property
    def last_readings(self) -> Readings | None:
        """The same if it was ever judged: nothing is computed."""
        return self._readings

    def judge(self) -> Readings:
        """Judge what is over, and read what is asked for all the time."""
        self._readings = read(self.monitor, self.now())
        return self._readings

    def upkeep(self) -> None:
        """What is due from time to time."""
        self.judge()
        self.rollouts.turn()
        self.served.look()
        every = self.config.monitoring.monitor.snapshot_every.total_seconds()
        behind = self.store.journal.end - self.store.snapshot.position
        if behind and (self.now() - self._saved >= every or behind > _MUCH):
            self.save()

    def save(self) -> None:
        """Write a snapshot; then the journal's older part goes."""
        with self._lock:
            snapshot = Snapshot(
                self.store.snapshot.identity,
                self.store.journal.end,
                self.delivered if self.keeps else self.store.journal.end,
                self._detectors.to_dict(),
                self.counters.to_dict(),
                self.monitor.save(),
            )
        self.store.save(snapshot)
        self._saved = self.now()
        del snapshot
        memory.give_back()

    def refused(self, code: str) -> None:
        """Count a delivery that was not taken."""
        with self._lock:
            self.counters.refused[code] += 1

    def now(self) -> float:
        """The wall clock."""
        return self._clock()

    def decisions(self) -> "list[Decision]":
        """The ledger's decisions about this model, newest first."""
        found = [] if self.ledger is None else self.ledger.decisions()
        return [one for one in reversed(found) if one.model in (None, "", self.name)]

    def diagnosis(self) -> "Told | None":
        """The ledger's newest diagnosis of this model."""
        from timonel.diagnosis.record import newest

        return newest(self.decisions(), self.name)

    def close(self) -> None:
        """Stop; what was answered is on the disk."""
        try:
            if self.store.journal.end > self.store.snapshot.position:
                self.save()
        except (OSError, TimonelError):
            _log.exception("no snapshot was written: the next start reads the journal")
        with self._lock:
            self.store.close()

    def _newest(self) -> int:
        newest = self.monitor.newest
        return -1 if newest is None else round(newest.timestamp() * 1e6)

    def _resume(self, snapshot: Snapshot) -> None:
        if snapshot.monitor:
            self.monitor = self._restored(snapshot)
            self._detectors.resume(snapshot.detectors)
            self.counters = Counters.of(snapshot.counters)
        for _, payload in self.store.journal.read(snapshot.position):
            self._recount(Record.unpack(payload))

    def _restored(self, snapshot: Snapshot) -> ModelMonitor:
        try:
            return ModelMonitor.restore(snapshot.monitor, self.monitor.config)
        except BadInput as error:
            raise BadInput(
                f"the state of {self.name} was counted by other settings: {error.message}",
                fix="take the settings back, or give another monitoring.monitor.directory",
            ) from None

    def _recount(self, record: Record) -> None:
        """Count a record of the journal, whatever is in it: what failed before fails again."""
        try:
            if record.kind == "labels":
                self._label(Labels(read_table(record.body), 0))
            else:
                self._detectors.hear(record.detector, record.heard, record.spool)
                self._count(record, read_delivery(record))
        except Exception:
            _log.exception("a record of the journal could not be counted")

    def _read(self, record: Record) -> Parcel | pa.Table:
        check_unpacked(record, self._most_unpacked)
        return read_delivery(record)

    def _check(self, parcel: Parcel) -> None:
        try:
            self.monitor.check(parcel)
        except BadInput as error:
            raise Conflict(error.message, why=error.why, fix=error.fix) from None

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
