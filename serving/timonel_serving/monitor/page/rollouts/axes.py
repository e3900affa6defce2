"""Axes of a rollout's pictures: minutes in time, powers of ten for evidence."""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

_SECOND = timedelta(seconds=1)
_STEPS = (
    *(s * _SECOND for s in (1, 2, 5, 10, 30, 60, 120, 300, 900, 1800)),
    *(h * timedelta(hours=1) for h in (1, 3, 6, 12, 24, 48, 168, 336)),
)
_MOST_TICKS = 8
_LOWEST = -3.0
_ROOM = 3.0
"""Powers of ten that are shown beyond what suffices."""
Number = float | None


def time_axis(at: Sequence[datetime]) -> dict[str, Any]:
    """From the first to the last point, seconds since 1970, with round times."""
    start, end = at[0], max(at[-1], at[0] + _SECOND)
    span = end - start
    step = next((s for s in _STEPS if span / s <= _MOST_TICKS), span / _MOST_TICKS)
    origin = datetime(start.year, start.month, start.day, tzinfo=UTC)
    first = origin + math.ceil((start - origin) / step) * step
    ticks = [first + i * step for i in range(int((end - first) / step) + 1)]
    return {
        "start": start.timestamp(),
        "end": end.timestamp(),
        "ticks": [[t.timestamp(), _label(t, step)] for t in ticks],
        "fixed": True,
    }


def _label(moment: datetime, step: timedelta) -> str:
    if step >= timedelta(days=1) or (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        return f"{moment.day} {moment:%b}"
    return f"{moment:%H:%M:%S}" if step < timedelta(minutes=1) else f"{moment:%H:%M}"


def log_axis(values: Iterable[Number], bars: Iterable[Number]) -> dict[str, Any]:
    """Logarithms to base ten, with room beyond the bars but not for all that e-values can grow to."""
    logs = [log10(v) for v in values if v is not None]
    marks = [log10(b) for b in bars if b is not None]
    top = max([1.0, *marks]) + _ROOM
    high = min(max([1.0, *logs, *(m + 0.5 for m in marks)]), top)
    low = max(min([0.0, *logs]), _LOWEST)
    low, high = math.floor(low), math.ceil(high)
    every = max(1, -(-(high - low) // 6))
    ticks = range(low, high + 1, every)
    return {"scale": [low, high], "ticks": [[t, _power(t)] for t in ticks]}


def log10(value: float) -> float:
    """Of an e-value, which may be 0."""
    return math.log10(max(value, 1e-300))


def _power(exponent: int) -> str:
    if exponent > 5:
        return f"1e{exponent}"
    return f"{10**exponent:,}" if exponent >= 0 else f"{10.0**exponent:g}"
