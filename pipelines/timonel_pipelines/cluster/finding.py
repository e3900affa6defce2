"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum

from timonel_pipelines.cluster.answers import Answer


class Status(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """Something does not work or cannot be told, and a release works without it."""
    FAILURE = "failure"
    """A release does not work with it."""


@dataclass(frozen=True)
class Finding:
    """One thing that was checked."""

    check: str
    status: Status
    found: str
    expected: str = ""
    fix: str = ""
    """A command, or a sentence that begins with a verb."""


def ok(check: str, found: str) -> Finding:
    """As it should be."""
    return Finding(check, Status.OK, found)


def warning(check: str, found: str, expected: str, fix: str) -> Finding:
    """Not as it should be; nothing fails by it."""
    return Finding(check, Status.WARNING, found, expected, fix)


def failure(check: str, found: str, expected: str, fix: str) -> Finding:
    """Something will fail by it."""
    return Finding(check, Status.FAILURE, found, expected, fix)


def hidden(check: str, answer: Answer, expected: str) -> Finding:
    """It cannot be told, since the cluster does not say it."""
    why = answer.message or f"HTTP {answer.status}"
    may = "ask who runs the cluster, or for the right to read it"
    return warning(check, f"not known: {why}", expected, may)
