"""Prometheus rules as data: what is recorded, what is alerted on, and what the alert says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class Urgency(StrEnum):
    """Who is told: the label `severity`, by which Alertmanager routes."""

    PAGE = "page"
    """Somebody at once."""
    TICKET = "ticket"
    """Somebody this week."""
    NONE = "none"
    """Nobody: its absence is what tells."""


@dataclass(frozen=True, slots=True)
class Record:
    """A series that Prometheus keeps computed."""

    name: str
    expr: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule. Several may share a name and so a runbook, such as the windows of a burn rate."""

    name: str
    expr: str
    urgency: Urgency
    summary: str
    """What is wrong, in a few words, without the number."""
    description: str
    """What is wrong with its number, what was expected; may use Prometheus' templates."""
    held: timedelta = timedelta()
    """How long the expression must hold before the alert fires."""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """The name of its runbook: TimonelNoData has no-data."""
        words = re.findall(r"[A-Z][a-z]*", self.name.removeprefix("Timonel"))
        return "-".join(words).lower()


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together, in order: an alert may use what is recorded before it."""

    name: str
    rules: tuple[Record | Alert, ...]

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Its alerting rules."""
        return tuple(rule for rule in self.rules if isinstance(rule, Alert))


def span(length: timedelta) -> str:
    """A duration as Prometheus writes it: 90s, 5m, 36h, 3d."""
    seconds = int(length.total_seconds())
    unit, size = next(
        (u, s) for u, s in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)) if seconds % s == 0
    )
    return f"{seconds // size}{unit}" if seconds else "0s"


def number(value: float) -> str:
    """A threshold without the noise of binary fractions: 14.4 x 0.001 is 0.0144."""
    return f"{value:.10g}"


def percent(share: float) -> str:
    """A share as people read it: 0.1 %."""
    return f"{100 * share:.6g} %"
