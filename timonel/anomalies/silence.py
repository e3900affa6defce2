"""Whether the traffic has stopped: windows without rows where rows are expected."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from timonel.anomalies.anomaly import Anomaly, Evidence, Phase, Severity
from timonel.anomalies.history import FROZEN, SEASONS, iso, moment, slot_of
from timonel.anomalies.reading import Reading
from timonel.anomalies.words import STOPPED, clock, next_step
from timonel.performance.value import Measured, State

MISSED = 20.0
"""Rows that should have come: none of as many is no chance, even if they come in bunches."""
LONGER = 2.0
"""A silence must be this many times the longest one that was healthy, until hours are compared with hours."""
FEWEST = 12
"""Windows with rows, before a silence means anything."""


@dataclass
class Silence:
    """Rows a window of one stream of traffic, and the silence that lasts."""

    learn: timedelta
    counts: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    first: datetime | None = None
    since: datetime | None = None
    """Start of the current silence."""
    windows: int = 0
    missed: float = 0.0
    longest: int = 0
    """The longest healthy silence, in windows."""
    stopped: bool = False
    sure: bool = False
    """Whether the silence is judged by its hours, or traffic was never silent before."""
    seasonal: bool = False
    """Whether hours are compared with the same hours."""

    def update(self, reading: Reading) -> bool:
        """Take the next window; True if the traffic has stopped."""
        self.first = self.first or reading.start
        n = reading.value.n if reading.value.ok else 0
        slot = slot_of(reading.start, reading.end)
        known = reading.end - self.first
        if n:
            self._end(slot, n, known < FROZEN)
            return False
        self.since = self.since or reading.start
        self.windows += 1
        if known >= SEASONS and not self.seasonal:
            self.seasonal, self.missed = (
                True,
                0.0,
            )  # what was missed is counted by hours from here on
        self.missed += self._expected(slot if self.seasonal else None)
        if not self.stopped and known >= self.learn and self._too_long():
            self.stopped, self.sure = True, self.seasonal or not self.longest
        if not (self.stopped and self.sure) and known < FROZEN:
            self._remember(slot, 0)
        return self.stopped

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `resume` reads them."""
        saved = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "learn"}
        return saved | {"first": iso(self.first), "since": iso(self.since)}

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Go on from what was saved."""
        for name, value in saved.items():
            setattr(self, name, moment(value) if name in ("first", "since") else value)

    def _end(self, slot: int, n: int, learning: bool) -> None:
        if not (self.stopped and self.sure):
            self.longest = max(self.longest, self.windows)
        self.since, self.windows, self.missed = None, 0, 0.0
        self.stopped = self.sure = False
        if learning:
            self._remember(slot, n)

    def _too_long(self) -> bool:
        if self.windows < 2 or self.missed < MISSED or sum(n > 0 for n in self.counts) < FEWEST:
            return False
        return self.seasonal or self.windows > LONGER * self.longest

    def _remember(self, slot: int, n: int) -> None:
        self.counts.append(n)
        self.slots.append(slot)

    def _expected(self, slot: int | None) -> float:
        """The median of the same hours, empty ones counted."""
        same = [n for n, s in zip(self.counts, self.slots, strict=True) if slot in (None, s)]
        return float(np.median(same)) if same else 0.0


def silent_anomaly(reading: Reading, silence: Silence) -> Anomaly:
    """The traffic has stopped: how long, and how many rows should have come."""
    since = silence.since or reading.start
    missed = Evidence(
        f"no prediction since {clock(since)}, {silence.windows:,} windows; "
        f"about {silence.missed:,.0f} were expected",
        silence.missed,
    )
    past = "the same hours" if silence.seasonal else "healthy traffic so far"
    longest = Evidence(
        f"longest silence in {past}: {silence.longest:,} windows", float(silence.longest)
    )
    return Anomaly(
        what=STOPPED,
        where=reading.where,
        severity=Severity.PAGE if silence.sure else Severity.TICKET,
        phase=Phase.OPEN,
        since=since,
        updated=reading.end,
        observed=Measured.absent(State.NO_DATA),
        evidence=(missed, longest),
        next_step=next_step(STOPPED),
    )
