"""What is abnormal: one statement an episode, with its number, its baseline and what to do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from functools import total_ordering
from typing import Any, Self

from timonel.performance.value import Measured


@total_ordering
class Severity(Enum):
    """Who should look: nobody now, somebody this week, somebody at once."""

    INFO = "info"
    TICKET = "ticket"
    PAGE = "page"

    @property
    def rank(self) -> int:
        """0 for info, 2 for page."""
        return list(Severity).index(self)

    def __lt__(self, other: object) -> bool:
        return self.rank < other.rank if isinstance(other, Severity) else NotImplemented

    def __str__(self) -> str:
        return self.value


class Phase(StrEnum):
    """Where an episode is."""

    OPEN = "open"
    WORSE = "worse"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Where:
    """What part of the traffic; all None: the model as a whole."""

    feature: str | None = None
    slice: str | None = None
    """As a slicing column and its value are written, such as "country=ES"."""
    version: str | None = None

    def __str__(self) -> str:
        named = (("feature", self.feature), ("slice", self.slice), ("version", self.version))
        return ", ".join(f"{kind} {name}" for kind, name in named if name is not None)

    def to_dict(self) -> dict[str, str | None]:
        """Plain JSON values."""
        return {"feature": self.feature, "slice": self.slice, "version": self.version}


ANYWHERE = Where()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A reason to believe it: a plain sentence, and the number in it where there is one."""

    text: str
    number: float | None = None


@dataclass(frozen=True, slots=True)
class Anomaly:
    """An episode: it opens, may get worse, and clears."""

    what: str
    """The metric, such as "null_rate"."""
    where: Where
    severity: Severity
    phase: Phase
    since: datetime
    """Start of the first window that was off."""
    updated: datetime
    """End of the newest window that this statement rests on."""
    observed: Measured
    """The newest window that was off; once cleared: the window that was back."""
    expected: float | None = None
    """None: anything but this is expected, such as an absent feature or an unseen class."""
    baseline: tuple[float, float] | None = None
    """Where a healthy window of this size lies, at the level that the budget of false alarms gives."""
    evidence: tuple[Evidence, ...] = ()
    next_step: str = ""

    @property
    def cleared(self) -> bool:
        """Whether it is over."""
        return self.phase is Phase.CLEARED

    @property
    def sentence(self) -> str:
        """What and how much, in one line."""
        from timonel.anomalies.words import sentence

        return sentence(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `Anomaly.from_dict` reads them."""
        return {
            "what": self.what,
            "where": self.where.to_dict(),
            "severity": self.severity.value,
            "phase": self.phase.value,
            "since": self.since.isoformat(),
            "updated": self.updated.isoformat(),
            "observed": self.observed.to_dict(),
            "expected": self.expected,
            "baseline": None if self.baseline is None else list(self.baseline),
            "evidence": [{"text": e.text, "number": e.number} for e in self.evidence],
            "next_step": self.next_step,
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        band = saved["baseline"]
        return cls(
            saved["what"],
            Where(**saved["where"]),
            Severity(saved["severity"]),
            Phase(saved["phase"]),
            datetime.fromisoformat(saved["since"]),
            datetime.fromisoformat(saved["updated"]),
            Measured.from_dict(saved["observed"]),
            saved["expected"],
            None if band is None else (band[0], band[1]),
            tuple(Evidence(**e) for e in saved["evidence"]),
            saved["next_step"],
        )


def ranked(anomalies: Iterable[Anomaly]) -> list[Anomaly]:
    """Most severe first; of equally severe ones the open before the cleared, the oldest first."""
    return sorted(
        anomalies, key=lambda a: (a.cleared, -a.severity.rank, a.since, a.what, str(a.where))
    )
