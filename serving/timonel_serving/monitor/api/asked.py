"""What a request asks of the windows, read strictly."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from timonel.durations import parse_duration
from timonel.errors import BadInput
from timonel.monitor.metrics import Metrics
from timonel_serving.monitor.models.watched import Watched
from timonel_serving.problems import NotFound

MOST_POINTS = 500

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Asked(BaseModel):
    """The parameters of the metrics."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    window: Text | None = None
    """Length, such as 15min, 1h, 7d. Default: a day, or from start to end."""
    start: Text | None = None
    """ISO 8601, or seconds since 1970."""
    end: Text | None = None
    """Default: the newest event."""
    version: Text | None = None
    """One version of the model. Default: all together."""
    slice: Text | None = None
    """A slicing column and its value, such as country:ES."""
    step: Text | None = None
    """A series of windows of this length instead of one window."""


def answer(watched: Watched, asked: Asked) -> Metrics:
    """The figures of the window; raises `NotFound` for a version that there never was."""
    found = watched.monitor.calculate_metrics(
        asked.window,
        start=instant(asked.start),
        end=instant(asked.end),
        version=asked.version,
        slice=_slice(asked.slice),
    )
    if asked.version is not None and not found.n and asked.version not in _versions(watched):
        raise NotFound(f"the model {watched.name} has no version {asked.version!r}")
    return found


def series(watched: Watched, asked: Asked, step: str) -> tuple[timedelta, list[Metrics]]:
    """The figures of each step of the window, the last one cut at its end."""
    length = _length(step)
    whole = answer(watched, asked)
    points = -(-(whole.end - whole.start) // length)
    if points > MOST_POINTS:
        raise BadInput(
            f"step is {step}: that makes {points:,} points, at most {MOST_POINTS} are answered",
            fix="ask for a longer step or a shorter window",
        )
    return length, [
        watched.monitor.calculate_metrics(
            start=start, end=end, version=asked.version, slice=_slice(asked.slice)
        )
        for start, end in _steps(whole.start, whole.end, length)
    ]


def _steps(
    start: datetime, end: datetime, length: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        yield start, min(start + length, end)
        start += length


def _length(step: str) -> timedelta:
    try:
        length = parse_duration(step)
    except ValueError:
        length = timedelta(0)
    if length < timedelta(minutes=1) or length % timedelta(minutes=1):
        raise BadInput(f"step is {step!r}, expected whole minutes such as 15min or 1h")
    return length


def instant(text: str | None) -> str | float | None:
    """A time as the windows read it: seconds since 1970, or ISO 8601."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def _slice(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    column, sign, value = text.partition(":")
    if not sign:
        raise BadInput(f"slice is {text!r}, expected column:value such as country:ES")
    return column, value


def _versions(watched: Watched) -> tuple[str, ...]:
    return watched.monitor.standing().versions
