"""Which rows and parcels are believed by their time; what is not yet waits, in bounded memory."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from timonel.durations import microseconds
from timonel.monitor.ahead import AheadGuard
from timonel.monitor.batch import Batch, batch_of, batch_table
from timonel.monitor.config import MonitorConfig
from timonel.monitor.gate import Gate
from timonel.monitor.parcel import Parcel
from timonel.windows.envelope import seal, together, unseal

KIND, HELD, FORMAT = "admission", "rows held back", 1
TOO_FAR_AHEAD = "timestamp lies too far ahead: given up"
MOST_HELD = 10_000
"""Rows, besides those in parcels."""


class Admitted(NamedTuple):
    """What is believed now, and was not before."""

    batches: list[Batch]
    parcels: list[Parcel]


class Admission:
    """Event time as the monitor believes it, and all that lies too far ahead of it."""

    def __init__(self, config: MonitorConfig, rejected: Counter[str]) -> None:
        ahead = microseconds(config.max_ahead)
        self.guard = AheadGuard(ahead, microseconds(config.retention))
        self.gate = Gate(ahead)
        self.held: deque[Batch] = deque()
        """Rows that are held back."""
        self._rejected = rejected
        """Counts what is given up."""

    @property
    def newest(self) -> int:
        """The newest event time believed; -1 before the first."""
        return self.guard.newest

    @property
    def held_back(self) -> int:
        """Predictions that wait for others to confirm their time."""
        return len(self.guard.held) + self.gate.rows

    def admit(self, batches: Sequence[Batch], parcel: Parcel | None = None) -> Admitted:
        """Take rows and a parcel in; what is believed now, also of what was held back before."""
        before, lost = self.newest, self.gate.given_up
        parcels = [] if parcel is None else self._reach(self.gate.admit(parcel, before))
        self.guard.admit(_times(batches))
        if self.newest > before:
            batches = [*self.held, *batches]
            self.held.clear()
            parcels += self._reach(self.gate.reached(self.newest))
        found = Admitted(self._parted(batches), parcels)
        self._give_up()
        if self.gate.given_up > lost:
            self._rejected[TOO_FAR_AHEAD] += self.gate.given_up - lost
        return found

    def save(self) -> dict[str, pa.RecordBatch]:
        """Sealed parts; `resume` reads them."""
        head = {"guard": self.guard.to_dict(), "gate": self.gate.to_dict()}
        parcels = pa.table({"parcel": pa.array(self.gate.parcels(), pa.binary())})
        rows = [seal(HELD, FORMAT, {}, batch_table(one)) for one in self.held]
        empty = seal(HELD, FORMAT, {}, pa.table({}))
        return {"admission": seal(KIND, FORMAT, head, parcels), "held": together([empty, *rows])}

    def resume(self, parts: Mapping[str, pa.Table]) -> None:
        """Go on with what was saved; for one that has admitted nothing."""
        ((head, parcels),) = unseal(KIND, FORMAT, parts["admission"])
        self.guard.resume(head["guard"])
        held = map(Parcel.from_bytes, parcels["parcel"].to_pylist())
        self.gate.resume(head["gate"], tuple(held))
        self.held.extend(batch_of(table) for _, table in unseal(HELD, FORMAT, parts["held"])[1:])

    def _reach(self, parcels: list[Parcel]) -> list[Parcel]:
        for one in parcels:
            if one.newest >= 0:
                self.guard.reach(one.oldest, one.newest, one.rows)
        return parcels

    def _parted(self, batches: Sequence[Batch]) -> list[Batch]:
        believed = [one.events.time <= self.newest for one in batches]
        self.held += [b.take(~at) for b, at in zip(batches, believed, strict=True) if not at.all()]
        return [b.take(at) for b, at in zip(batches, believed, strict=True) if at.any()]

    def _give_up(self) -> None:
        left = len(self.guard.held)
        if left <= MOST_HELD:
            return
        while left > MOST_HELD:
            gone = len(self.held.popleft().events)
            self._rejected[TOO_FAR_AHEAD] += gone
            left -= gone
        self.guard.held = np.sort(_times(self.held))


def _times(batches: Sequence[Batch] | deque[Batch]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.concatenate([np.empty(0, np.int64), *(one.events.time for one in batches)])
