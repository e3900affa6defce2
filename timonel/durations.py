"""Spans of time as people write them: '15min', '36h', '7d'."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_PATTERN = re.compile(r"(\d+)\s*(s|min|h|d|w)")


def parse_duration(text: object) -> timedelta:
    """Read '15min', '36h', '7d' or '2w'; raises ValueError naming what is allowed."""
    if isinstance(text, timedelta):
        return text
    match = _PATTERN.fullmatch(str(text).strip())
    if match is None:
        raise ValueError("expected a number and a unit (s, min, h, d, w), such as 15min, 36h or 7d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def format_duration(span: timedelta) -> str:
    """Write a span in its largest whole unit up to days: the inverse of `parse_duration`."""
    seconds = int(span.total_seconds())
    if not seconds:
        return "0s"
    unit = next(u for u in ("d", "h", "min", "s") if seconds % _UNITS[u] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def microseconds(span: timedelta) -> int:
    """A span in whole microseconds, the unit of event time."""
    return span // timedelta(microseconds=1)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d+\s*(s|min|h|d|w)$", "examples": ["7d"]}),
]
