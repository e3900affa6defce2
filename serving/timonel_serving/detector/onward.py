"""What becomes of rows that were read: held to the contract, shown to taps, counted, and delivered."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

import pyarrow as pa

from timonel_serving.detector.batch import ROLES, Read
from timonel_serving.detector.contract_check import ContractCheck, Violations
from timonel_serving.detector.delivery.delivery import Delivery
from timonel_serving.detector.delivery.piece import Piece
from timonel_serving.detector.failure import told
from timonel_serving.detector.tap import Tap

_log = logging.getLogger("timonel.serving")


class Folder(Protocol):
    """What counts the rows: a ModelMonitor."""

    def track_batch(self, frame: pa.Table) -> None:
        """Count rows."""


@dataclass(frozen=True)
class Stations:
    """Where rows come by."""

    folder: Folder
    """The detector's own windows."""
    check: ContractCheck | None = None
    taps: Sequence[Tap] = ()
    deliveries: Sequence[Delivery] = ()


class Onward:
    """Passes rows on, in order."""

    def __init__(self, stations: Stations) -> None:
        self._stations = stations
        self._violations: Violations = Counter()
        self._lock = Lock()

    @property
    def violations(self) -> Violations:
        """Rows that broke the contract so far, by column and rule."""
        with self._lock:
            return self._violations.copy()

    @property
    def deliveries(self) -> Sequence[Delivery]:
        """Where rows are delivered to."""
        return self._stations.deliveries

    @property
    def full(self) -> bool:
        """Whether a destination has so much to take that no more should be read."""
        return any(delivery.outbox.full for delivery in self.deliveries)

    @property
    def mark(self) -> int | None:
        """The position up to which every destination has all; None: not all have said, or there is none."""
        marks = [delivery.mark for delivery in self.deliveries]
        known = [mark for mark in marks if mark is not None]
        return min(known) if known and len(known) == len(marks) else None

    def take(self, parts: Sequence[Read], mark: int) -> None:
        """Pass on the rows of whole records, up to a position; raises what the windows raise."""
        checked = tuple(map(self._checked, parts))
        for part in checked:
            for tap in self._stations.taps:
                _show(tap, part.table)
        piece = Piece(checked, mark)
        for delivery in self.deliveries:
            delivery.outbox.put(piece)
        for part in checked:
            self._stations.folder.track_batch(part.table)

    def _checked(self, part: Read) -> Read:
        check = self._stations.check
        if check is None or not part.rows:
            return part
        try:
            each, counts = check.check(part.features(), part.rows)
        except Exception as error:
            # rows of a kind that nobody foresaw are kept all the same
            _log.error("%d rows could not be held to the contract: %s", part.rows, told(error))
            return part
        with self._lock:
            self._violations.update(counts)
        if part.role("violations") is not None:
            return part
        table = part.table.append_column(ROLES["violations"], pa.array(each))
        return Read(table, part.ends, part.received)


def _show(tap: Tap, table: pa.Table) -> None:
    try:
        tap.offer(table)
    except Exception as error:
        _log.error("%s could not take a batch: %s", type(tap).__name__, told(error))
