"""What became of every event, counted by reason: the names are few and fixed."""

from collections import Counter
from enum import StrEnum
from threading import Lock


class Intake(StrEnum):
    """What becomes of a message at the door; `taken` counts its events."""

    TAKEN = "taken"
    REFUSED = "refused"
    """None of its events could be taken; each is counted by its own reason, too."""
    TOO_LARGE = "too_large"
    BAD_BODY = "bad_body"
    """Compressed in a way that is not known, or not whole, or slow to come."""
    NO_DISK = "spool_unwritable"
    DISCONNECTED = "disconnected"
    FAILED = "failed"


class Outcome(StrEnum):
    """What becomes of an event that was taken; each has exactly one."""

    JOINED = "joined"
    DUPLICATE = "duplicate"
    LATE = "late"
    """Its other half had been given up."""
    NO_REQUEST = "request_missing"
    NO_RESPONSE = "response_missing"
    JOIN_FULL = "join_full"
    """Given up early: too many halves waited."""


class Fold(StrEnum):
    """What becomes of an inference that was joined; each has exactly one."""

    FOLDED = "folded"
    BAD_REQUEST = "request_unreadable"
    BAD_RESPONSE = "response_unreadable"
    ROWS_DIFFER = "rows_differ"
    FAILED = "fold_failed"


class Tally:
    """Counts by name. Safe to use from several threads."""

    def __init__(self) -> None:
        self._counts: Counter[StrEnum] = Counter()
        self._lock = Lock()

    def count(self, what: StrEnum, events: int = 1) -> None:
        """Count events."""
        with self._lock:
            self._counts[what] += events

    def of(self, kind: type[StrEnum]) -> dict[str, int]:
        """The counts of all members of an enum."""
        with self._lock:
            return {member.value: self._counts[member] for member in kind}
