"""The life of an anomaly: it opens once, gets worse, clears after it was back for a while."""

from dataclasses import dataclass, replace

from timonel.anomalies.anomaly import Anomaly, Phase

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

    @classmethod
    def opened(cls, found: Anomaly) -> "Episode":
        """At the first reading outside."""
        first = replace(found, phase=Phase.OPEN)
        return cls(first, first)

    def outside(self, found: Anomaly) -> tuple["Episode", Anomaly | None]:
        """After another reading outside, and what is worth telling: only what is worse than told.

        The severity is the greatest so far.
        """
        severity = max(found.severity, self.now.severity)
        told = _departure(self.told)
        worse = severity > self.told.severity or _departure(found) >= WORSE_BY * told > 0
        phase = Phase.WORSE if worse else self.now.phase
        now = replace(found, since=self.now.since, severity=severity, phase=phase)
        return Episode(now, now if worse else self.told), now if worse else None

    def inside(self, found: Anomaly) -> tuple["Episode | None", Anomaly | None]:
        """After a reading inside; without an episode it is over."""
        if self.back + 1 < CLEAR_AFTER:
            return replace(self, back=self.back + 1), None
        over = replace(
            self.now, phase=Phase.CLEARED, observed=found.observed, updated=found.updated
        )
        return None, over


def _departure(anomaly: Anomaly) -> float:
    if anomaly.expected is None or anomaly.observed.value is None:
        return 0.0
    return abs(anomaly.observed.value - anomaly.expected)
