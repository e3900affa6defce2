"""The life of an anomaly: it opens once, gets worse, clears after it was back for a while."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from timonel.anomalies.anomaly import Anomaly, Phase
from timonel.performance.value import Measured

CLEAR_AFTER = 2
"""Windows in a row that must be back inside."""
WORSE_BY = 2.0
"""A departure this many times the one last told is worse, though its severity is the same."""


@dataclass(frozen=True, slots=True)
class Episode:
    """An anomaly that is open, what was last told about it, and how long it has been back."""

    now: Anomaly
    told: Anomaly
    back: int = 0
    """Windows in a row that were not outside."""
    quiet: Measured | None = None
    """All of them taken together, where the metric is a rate."""
    rate: Measured | None = None
    """Where it is one: of all windows from the first to the last that was outside. The outside ones alone
    would be too far off, since they were chosen for it."""

    @classmethod
    def opened(cls, found: Anomaly) -> "Episode":
        """At the first reading outside."""
        first = replace(found, phase=Phase.OPEN)
        return cls(first, first, rate=_pooled(None, found.observed))

    def outside(self, found: Anomaly) -> tuple["Episode", Anomaly | None]:
        """After another reading outside, and what is worth telling: only what is worse than told.

        The severity is the greatest so far.
        """
        severity = max(found.severity, self.now.severity)
        told = _departure(self.told)
        worse = severity > self.told.severity or _departure(found) >= WORSE_BY * told > 0
        phase = Phase.WORSE if worse else self.now.phase
        now = replace(found, since=self.now.since, severity=severity, phase=phase)
        rate = _pooled(_pooled(self.rate, self.quiet), found.observed)
        after = Episode(now, now if worse else self.told, rate=rate)
        return after, now if worse else None

    def waiting(self, value: Measured, pooled: bool) -> "Episode":
        """After a window that is not outside: one more, and `quiet` is the pool of them if `pooled`."""
        quiet = _pooled(self.quiet, value) if pooled else None
        return replace(self, back=self.back + 1, quiet=quiet)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "now": self.now.to_dict(),
            "told": self.told.to_dict(),
            "back": self.back,
            "quiet": None if self.quiet is None else self.quiet.to_dict(),
            "rate": None if self.rate is None else self.rate.to_dict(),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Episode":
        """The inverse of `to_dict`."""
        quiet, rate = (
            None if saved[name] is None else Measured.from_dict(saved[name])
            for name in ("quiet", "rate")
        )
        now, told = Anomaly.from_dict(saved["now"]), Anomaly.from_dict(saved["told"])
        return cls(now, told, saved["back"], quiet, rate)

    def cleared(self, observed: Measured, updated: datetime) -> Anomaly:
        """The end."""
        return replace(self.now, phase=Phase.CLEARED, observed=observed, updated=updated)


def _pooled(one: Measured | None, other: Measured | None) -> Measured | None:
    known = [m for m in (one, other) if m is not None and m.ok and m.n]
    n = sum(m.n for m in known)
    return Measured(sum(float(m) * m.n for m in known) / n, n=n) if n else None


def _departure(anomaly: Anomaly) -> float:
    if anomaly.expected is None or anomaly.observed.value is None:
        return 0.0
    return abs(anomaly.observed.value - anomaly.expected)
