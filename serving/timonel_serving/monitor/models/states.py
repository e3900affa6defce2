"""What the monitor service says of a model and of its detectors, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HealthState(StrEnum):
    """How a model is, or why that cannot be said."""

    WELL = "well"
    WATCH = "watch"
    DEGRADED = "degraded"
    NO_DATA = "no_data"
    LEARNING = "learning"
    STALE = "stale"
    """No detector has been heard of for a while: what was known holds no more."""


@dataclass(frozen=True)
class Health:
    """The state, in one sentence, and what to do."""

    state: HealthState
    sentence: str
    since: datetime | None
    """In event time; of a stale model the wall clock's."""
    next_step: str
    runbook: str
    """The page of the documentation that says what to do, such as "runbooks/performance"."""


@dataclass(frozen=True)
class DetectorStatus:
    """A detector as the monitor knows it."""

    name: str
    mark: int
    """Up to which position of its spool all is safely on disk here."""
    newest_event: datetime | None
    last_heard: datetime
    """By the wall clock."""
    lag_seconds: float | None
    """How far its newest event lies behind the newest of all detectors, in event time."""
    stale: bool
    """Not heard of for longer than monitoring.monitor.stale_after."""
    contested: bool
    """Another one of this name is at work, too; what that one sends is refused."""


@dataclass(frozen=True)
class LabelAnswer:
    """What became of labels that were sent; the counts add up to `rows`."""

    rows: int
    applied: int
    """The first for their prediction."""
    duplicate: int
    """Said what was known."""
    corrected: int
    """Took the place of an earlier one."""
    outdated: int
    """Older than the one that stands."""
    conflicting: int
    """Contradicted another of the same time; the greater value stands."""
    waiting: int
    """Of a prediction that is not known yet: held until it comes."""
    rejected: Mapping[str, int]
    """Labels that cannot be used, by reason."""
