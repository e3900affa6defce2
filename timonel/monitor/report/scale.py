"""Where things stand: the time axis that all pictures share, and round numbers on the other axis."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEPS = (HOUR / 4, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY)
MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Shares of the width, from 0 at `start` to 1 at `end`."""

    start: datetime
    end: datetime

    def at(self, moment: datetime) -> float:
        """Within 0 and 1."""
        return min(1.0, max(0.0, (moment - self.start) / max(self.end - self.start, HOUR / 60)))

    def ticks(self) -> list[tuple[float, str]]:
        """Places and labels of round times, at most `MOST_TICKS`."""
        span = self.end - self.start
        step = next((s for s in STEPS if span / s <= MOST_TICKS), span / MOST_TICKS)
        midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        first = midnight + math.ceil((self.start - midnight) / step) * step
        count = int((self.end - first) / step) + 1
        return [(self.at(t), _label(t, step)) for t in (first + i * step for i in range(count))]


def _label(moment: datetime, step: timedelta) -> str:
    if step >= DAY or (moment.hour, moment.minute) == (0, 0):
        return f"{moment.day} {moment:%b}"
    return f"{moment:%H:%M}"


@dataclass(frozen=True, slots=True)
class ValueScale:
    """Shares of the height, from 0 at `low` to 1 at `high`, with round ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float], zero: bool, top: float | None = None) -> "ValueScale":
        """Around the values; from 0 if `zero`, and not above `top` if the ticks would pass it."""
        found = list(values) or [0.0, 1.0]
        low, high = min(found), max(found)
        low = min(0.0, low) if zero or low <= 0.3 * high else low
        if high - low < 1e-9 * max(abs(high), 1e-6):
            high, low = high + abs(high or 1.0) * 0.1, low - (abs(low) * 0.1 if low else 0)
        step = _round((high - low) / 3)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        ticks = [i * step for i in range(first, last + 1)]
        if top is not None and high <= top < ticks[-1]:
            ticks[-1] = top
        return cls(ticks[0], ticks[-1], tuple(ticks))

    def at(self, value: float) -> float:
        """Within 0 and 1."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def _round(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return float(next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= step * 0.999))
