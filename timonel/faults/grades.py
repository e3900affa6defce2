"""Parameters of an incident that follow from its severity."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from timonel.durations import format_duration
from timonel.errors import BadInput

BY_SEVERITY: Final[Any] = None
"""The default of a graded parameter: its value follows from the severity."""


class Severity(StrEnum):
    """How bad an incident is; each maps it to its parameters."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True)
class Grades:
    """A parameter's value at each severity, its meaning, and what it may be."""

    low: float | timedelta
    medium: float | timedelta
    high: float | timedelta
    meaning: str
    at_least: float = 0.0
    at_most: float = float("inf")

    def at(self, severity: Severity) -> float | timedelta:
        """The value at a severity."""
        value: float | timedelta = getattr(self, severity.value)
        return value

    def check(self, name: str, value: object) -> None:
        """Refuse a value given by hand that is of another kind or out of range."""
        if not self._allows(value):
            span = f"number from {self.at_least:g} to {self.at_most:g}"
            kind = "timedelta of 0 or more" if isinstance(self.low, timedelta) else span
            raise BadInput(f"{name} is {value!r}; expected a {kind}")

    def _allows(self, value: object) -> bool:
        if isinstance(self.low, timedelta):
            return isinstance(value, timedelta) and value >= timedelta(0)
        return isinstance(value, int | float) and self.at_least <= value <= self.at_most


def share(low: float, medium: float, high: float, meaning: str) -> Grades:
    """The grades of a share: from 0 to 1."""
    return Grades(low, medium, high, meaning, at_most=1.0)


def fixed(
    value: float | timedelta, meaning: str, at_least: float = 0.0, at_most: float = float("inf")
) -> Grades:
    """A parameter that is the same at every severity."""
    return Grades(value, value, value, meaning, at_least, at_most)


def jsonable(value: float | timedelta) -> float | str:
    """A parameter's value as JSON takes it: a duration as people write it."""
    return format_duration(value) if isinstance(value, timedelta) else value
