"""Which stretch of event time a question is about."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from timonel.durations import microseconds, parse_duration
from timonel.errors import BadInput
from timonel.monitor.times import micros
from timonel.windows.layout import MINUTE


@dataclass(frozen=True, slots=True)
class Span:
    """[start, end) in microseconds since 1970 UTC, whole minutes."""

    start: int
    end: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start) / 1e6


def read_span(window_size: Any, start: Any, end: Any, newest: int) -> Span:
    """The span of `window_size` up to `end`, by default up to the newest event; or from `start` on.

    Raises BadInput for what is no length or time, and where all three contradict each other.
    """
    until = _up(newest + 1) if end is None else _instant(end, "end")
    if start is None:
        length = _length("1d" if window_size is None else window_size)
        return Span(until - length, until)
    since = _instant(start, "start")
    if window_size is not None:
        length = _length(window_size)
        if end is not None and since + length != until:
            raise BadInput(
                "start, end and window_size are given and do not fit each other",
                fix="give two of them",
            )
        until = since + length
    elif end is None:
        until = max(until, since + MINUTE)
    if since >= until:
        raise BadInput(f"the window ends at {end}, expected later than its start {start}")
    return Span(since, until)


def read_range(start: Any, end: Any) -> tuple[int | None, int | None]:
    """Both ends, each of which may be open (None); BadInput for what is no time, or a start after its end."""
    since = None if start is None else _instant(start, "start")
    until = None if end is None else _instant(end, "end")
    if since is not None and until is not None and since >= until:
        raise BadInput(
            f"the time shown ends at {end}, expected later than its start {start}",
            fix="give a later end, or leave it out",
        )
    return since, until


def _length(window_size: Any) -> int:
    try:
        span = parse_duration(window_size)
    except ValueError:
        raise BadInput(
            f"window_size is {window_size!r}, expected a number and a unit (min, h, d, w)",
            fix="use such as '15min', '1h' or '7d'",
        ) from None
    if span < timedelta(minutes=1) or span % timedelta(minutes=1):
        raise BadInput(f"window_size is {window_size!r}, expected whole minutes, at least one")
    return microseconds(span)


def _instant(value: Any, name: str) -> int:
    found = micros(value)
    if found < 0:
        raise BadInput(
            f"{name} is {value!r}, expected a time",
            fix="give a datetime, ISO 8601 text or seconds since 1970",
        )
    return _up(found)


def _up(instant: int) -> int:
    return -(-max(instant, 0) // MINUTE) * MINUTE
