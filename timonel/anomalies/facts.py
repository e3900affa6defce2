"""Facts that need no statistics: broken contract, unseen values, a schema that changed; drift's episodes too.

A fact is there or not: no probability, no budget. `FactWatch` gives it the same life as other anomalies.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from timonel.anomalies.anomaly import (
    ANYWHERE,
    Anomaly,
    Evidence,
    Phase,
    Severity,
    Where,
    ranked,
)
from timonel.anomalies.episode import CLEAR_AFTER, Episode
from timonel.performance.value import Measured


class Fact(StrEnum):
    """What was found."""

    VIOLATION = "contract violation"
    UNSEEN_CLASS = "unseen class"
    FEATURE_GONE = "feature gone"
    FEATURE_NEW = "new feature"
    TYPE_CHANGED = "type changed"


_STEPS = {
    Fact.VIOLATION: "Ask the producer of the column; `timonel check` shows the contract it breaks.",
    Fact.UNSEEN_CLASS: "Check how labels are made; if the class is real, retrain with it.",
    Fact.FEATURE_GONE: "Ask the producer of the column; until it is back the model guesses.",
    Fact.FEATURE_NEW: "Nothing is urgent: the model ignores it; add it to the contract to use it.",
    Fact.TYPE_CHANGED: "Ask the producer of the column to restore its type, or cast it before serving.",
}
_ALWAYS = {
    Fact.FEATURE_GONE: Severity.PAGE,
    Fact.TYPE_CHANGED: Severity.PAGE,
    Fact.UNSEEN_CLASS: Severity.TICKET,
    Fact.FEATURE_NEW: Severity.INFO,
}
VIOLATED_TICKET, VIOLATED_PAGE = 0.001, 0.05
"""Shares of the rows that break the contract, from which on somebody should look."""


@dataclass(frozen=True, slots=True)
class Found:
    """A fact in the window [start, end)."""

    start: datetime
    end: datetime
    fact: Fact
    where: Where = ANYWHERE
    rows: int = 1
    """Rows where it holds."""
    of: int = 1
    """Rows in the window."""
    detail: str = ""
    """Such as "country: 12 rows hold 'XX', not among the 5 known"."""

    @property
    def share(self) -> float:
        """Of the rows."""
        return self.rows / max(self.of, 1)

    @property
    def severity(self) -> Severity:
        """By kind; violations by their share."""
        if self.fact in _ALWAYS:
            return _ALWAYS[self.fact]
        if self.share >= VIOLATED_PAGE:
            return Severity.PAGE
        return Severity.TICKET if self.share >= VIOLATED_TICKET else Severity.INFO


@dataclass
class FactWatch:
    """Turns the facts of each window into anomalies; cleared after two windows without the fact."""

    _episodes: dict[tuple[Fact, Where], Episode] = field(default_factory=dict)

    @property
    def open(self) -> list[Anomaly]:
        """What holds now, most severe first."""
        return ranked(episode.now for episode in self._episodes.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values of all that holds; `resume` reads them."""
        found = self._episodes.items()
        return {"episodes": [{"fact": fact.value} | e.to_dict() for (fact, _), e in found]}

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Go on as if the watch that was saved had not stopped."""
        for one in saved["episodes"]:
            episode = Episode.from_dict(one)
            self._episodes[Fact(one["fact"]), episode.now.where] = episode

    def update(self, end: datetime, rows: int, found: Iterable[Found]) -> list[Anomaly]:
        """Take the window that ends at `end`; one without rows (`rows=0`) says nothing and clears nothing."""
        told: list[Anomaly] = []
        here = {(f.fact, f.where): f for f in found if f.rows}
        for place, fact in here.items():
            told += self._outside(place, fact)
        if rows:
            for place in self._episodes.keys() - here.keys():
                told += self._inside(place, end, rows)
        return ranked(told)

    def _outside(self, place: tuple[Fact, Where], found: Found) -> list[Anomaly]:
        now = _fact_anomaly(found)
        if place not in self._episodes:
            self._episodes[place] = Episode.opened(now)
            return [self._episodes[place].now]
        self._episodes[place], worse = self._episodes[place].outside(now)
        return [] if worse is None else [worse]

    def _inside(self, place: tuple[Fact, Where], end: datetime, rows: int) -> list[Anomaly]:
        none = Measured(0.0, n=rows)
        episode = self._episodes[place].waiting(none, pooled=False)
        self._episodes[place] = episode
        if episode.back < CLEAR_AFTER:
            return []
        del self._episodes[place]
        return [episode.cleared(none, end)]


def _fact_anomaly(found: Found) -> Anomaly:
    detail = found.detail or f"{found.rows:,} of {found.of:,} rows"
    return Anomaly(
        what=found.fact.value,
        where=found.where,
        severity=found.severity,
        phase=Phase.OPEN,
        since=found.start,
        updated=found.end,
        observed=Measured(found.share, n=found.of),
        expected=None,
        evidence=(Evidence(detail, float(found.rows)),),
        next_step=_STEPS[found.fact],
    )
