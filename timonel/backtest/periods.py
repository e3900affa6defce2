"""The stretches of time in which a table is played, on the calendar in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from timonel.durations import format_duration, parse_duration
from timonel.errors import BadInput

Instants = NDArray[np.int64]
"""Microseconds since 1970 UTC, ascending."""

Span = timedelta | Literal["month"]
"""A length counted from Mondays 00:00 UTC, so that 7d is the calendar week; or the calendar month."""

MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_PERIODS = 5000
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Period:
    """A stretch of time, `start` included and `end` excluded, with its rows."""

    start: datetime
    end: datetime
    rows: slice

    @property
    def n(self) -> int:
        """How many rows fall in it."""
        return int(self.rows.stop - self.rows.start)


def parse_span(text: str) -> Span:
    """Read 'week', 'month' or a duration such as 1d or 12h; raises BadInput naming what is allowed."""
    if text == "month":
        return "month"
    try:
        span = parse_duration("7d" if text == "week" else text)
    except ValueError:
        span = timedelta(0)
    if not span:
        raise BadInput(
            f"the period is {text!r}, expected week, month, or a number and a unit (s, min, h, d, w)",
            fix="use week, month or a duration such as 1d",
        )
    return span


def written_span(span: Span) -> str:
    """The inverse of `parse_span`."""
    return span if isinstance(span, str) else format_duration(span)


def cut(times: Instants, begin: datetime, span: Span) -> tuple[Period, ...]:
    """All periods from the first boundary at or after `begin` to the one that holds the last row.

    A period without rows is one of them. Raises BadInput where none is left, or far too many are.
    """
    last = moment(int(times[-1]))
    bounds = [_at_or_after(begin, span)]
    while bounds[-1] <= last:
        bounds.append(_next(bounds[-1], span))
        if len(bounds) > MOST_PERIODS:
            raise BadInput(
                f"a period of {written_span(span)} cuts the table into more than {MOST_PERIODS:,} periods",
                fix="use a longer --period",
            )
    if len(bounds) < 2:
        raise BadInput(
            f"no period of {written_span(span)} begins after the first training:"
            f" it ends at {begin:%Y-%m-%d %H:%M}, the table at {last:%Y-%m-%d %H:%M}",
            fix="use a shorter --period, or a smaller --initial share",
        )
    return tuple(_periods(times, bounds))


def _periods(times: Instants, bounds: list[datetime]) -> Iterator[Period]:
    places = np.searchsorted(times, [instant(b) for b in bounds], side="left").tolist()
    for i in range(len(bounds) - 1):
        yield Period(bounds[i], bounds[i + 1], slice(places[i], places[i + 1]))


def _at_or_after(when: datetime, span: Span) -> datetime:
    if span == "month":
        first = _month(when)
        return first if first == when else _next(first, span)
    return MONDAY - (MONDAY - when) // span * span


def _next(bound: datetime, span: Span) -> datetime:
    return _month(bound + timedelta(days=32)) if span == "month" else bound + span


def _month(when: datetime) -> datetime:
    return when.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def instant(when: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (when - EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """The inverse of `instant`."""
    return EPOCH + timedelta(microseconds=micros)
