"""Writes the reference of the incidents from their definitions."""

import inspect
from collections.abc import Iterator
from datetime import timedelta

from timonel.durations import format_duration
from timonel.faults import INCIDENTS, Grades, Incident


def describe_incidents() -> str:
    """Every incident: what it is, its cause, what it needs, its parameters at each severity."""
    return "\n".join(line for kind in INCIDENTS.values() for line in _incident(kind))


def _incident(kind: type[Incident]) -> Iterator[str]:
    yield from (f"### {kind.__name__}", "", inspect.getdoc(kind) or "", "")
    yield from (f"Name `{kind.name}`, cause `{kind.cause}`{_needs(kind)}.", "")
    yield from ("| parameter | low | medium | high | meaning |", "|---|---|---|---|---|")
    for name, grades in kind.grades().items():
        values = " | ".join(_value(v) for v in (grades.low, grades.medium, grades.high))
        yield f"| `{name}` | {values} | {_meaning(grades)} |"
    yield ""


def _needs(kind: type[Incident]) -> str:
    """What must be given or there, in words."""
    columns = f", `columns`: {kind.takes}" if kind.takes else ""
    roles = " and ".join(f"`{role}`" for role in kind.roles)
    return columns + (f", needs {roles}" if roles else "")


def _value(value: float | timedelta) -> str:
    return format_duration(value) if isinstance(value, timedelta) else f"{value:g}"


def _meaning(grades: Grades) -> str:
    return grades.meaning.replace("|", "&#124;")
