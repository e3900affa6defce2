"""Anomalies by what they are about: one trouble shows in many figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from timonel.anomalies import Anomaly, Severity, ranked
from timonel.anomalies.traits import family_of
from timonel.anomalies.words import STOPPED
from timonel.monitor.report.verdict import leading


class Theme(StrEnum):
    """What people look into together."""

    PERFORMANCE = "Performance"
    SERVICE = "Service"
    PREDICTIONS = "Predictions and labels"
    DATA = "Data and drift"


SERVICE = frozenset(
    {STOPPED, "throughput_per_s", "null_rate", "error_rate", "timeout_rate", "rejected_rate"}
    | {"slow_rate", *(f"{size}_latency_ms" for size in ("p50", "p95", "p99", "mean"))}
)
PREDICTIONS = frozenset(
    {"alert_rate", "base_rate", "mean_score", "class_share", "mean_confidence", "mean_entropy"}
)
DATA = frozenset({"drift", "violation_rate", "other_rate", "oov_rate"})


@dataclass(frozen=True, slots=True)
class Group:
    """Anomalies of one theme."""

    theme: Theme
    lead: Anomaly
    """The one that says most."""
    members: tuple[Anomaly, ...]
    """All of them, most severe first."""

    @property
    def severity(self) -> Severity:
        """The worst of what is open, or of all if nothing is."""
        return self.lead.severity

    @property
    def cleared(self) -> bool:
        """Whether all are over."""
        return self.lead.cleared

    @property
    def since(self) -> datetime:
        """When the first of those that are as severe as the lead began."""
        return min(a.since for a in self.members if a.cleared == self.cleared)


def theme_of(anomaly: Anomaly) -> Theme:
    """What it is about."""
    family = family_of(anomaly.what)
    if anomaly.where.feature is not None or family in DATA or anomaly.what.startswith("null_rate["):
        return Theme.DATA
    if family in SERVICE:
        return Theme.SERVICE
    return Theme.PREDICTIONS if family in PREDICTIONS else Theme.PERFORMANCE


def grouped(anomalies: Sequence[Anomaly]) -> tuple[Group, ...]:
    """One group a theme, the worst open one first."""
    found = []
    for theme in Theme:
        members = [a for a in ranked(anomalies) if theme_of(a) is theme]
        open_ = [a for a in members if not a.cleared]
        if members:
            found.append(Group(theme, leading(open_ or members), tuple(members)))
    return tuple(sorted(found, key=lambda g: (g.cleared, -g.severity.rank, g.since)))
