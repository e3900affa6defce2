"""The past of one series of readings, and the baseline that it gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.anomalies.baseline import SLOTS, Floats, Ints, LevelBaseline, RateBaseline
from timonel.anomalies.fitting import NORMAL_MAD, fit_level, fit_rate, residuals
from timonel.anomalies.traits import Kind
from timonel.performance.value import Measured

FEWEST = 12
"""Readings below which nothing is learnt."""
LEAST_IN_SLOT = 3
WEEK = timedelta(days=7)
SEASONS = timedelta(days=14)
"""From this much past on, an hour is compared with the same hours, weekdays apart from weekends."""
FROZEN = timedelta(days=56)
"""Nothing is learnt after this much past, so that a slow change cannot become the baseline."""
OUTLYING = 8.0
"""Readings this many robust standard deviations off are no part of a stable stretch."""
MOST_OUTLYING = 0.1
"""Where more than this share is, it is no incident but a pattern, such as nights."""
REFIT = timedelta(days=1)


def slot_of(start: datetime, end: datetime) -> int:
    """The slot of a window: that of its middle."""
    middle = start + (end - start) / 2
    return middle.hour + (24 if middle.weekday() >= 5 else 0)


@dataclass
class History:
    """Healthy readings of one metric at one place and window length, at most `FROZEN` of them."""

    kind: Kind
    learn: timedelta
    """The first stable stretch: so long nothing is judged."""
    first: datetime | None = None
    last: datetime | None = None
    values: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    fitted: int = 0
    """How many of the readings the baseline rests on."""
    fitted_at: datetime | None = None
    _baseline: RateBaseline | LevelBaseline | None = None
    _filled: tuple[int, float] = (0, 0.0)
    """For so many readings: the share of them that stand in a slot with enough others."""

    @property
    def covers(self) -> timedelta:
        """From the first reading to the last."""
        return timedelta(0) if self.first is None or self.last is None else self.last - self.first

    def add(self, start: datetime, end: datetime, value: Measured) -> None:
        """Take a reading that has a value; ignored once the past is long enough."""
        if self.covers >= FROZEN or (self.kind is Kind.POSITIVE and float(value) <= 0):
            return
        self.first, self.last = self.first or start, end
        self.values.append(float(value))
        self.rows.append(max(1, value.n))
        self.slots.append(slot_of(start, end))

    def baseline(self) -> RateBaseline | LevelBaseline | None:
        """What was learnt, renewed once a day of past; None while there is too little."""
        if self.last is None or self.covers < self.learn or len(self.values) < FEWEST:
            return None
        if self.fitted_at is None or self.last - self.fitted_at >= REFIT:
            self.fitted, self.fitted_at = len(self.values), self.last
            self._baseline = None
        self._baseline = self._baseline or self._fit()
        return self._baseline

    def slot(self, start: datetime, end: datetime) -> int:
        """Where to look in the baseline."""
        return slot_of(start, end) if self._seasonal else 0

    @property
    def _known(self) -> timedelta:
        """The past that the baseline rests on."""
        if self.first is None or self.fitted_at is None:
            return timedelta(0)
        return self.fitted_at - self.first

    @property
    def _seasonal(self) -> bool:
        """Two weeks are known, and most of their readings stand beside enough others of their hour."""
        return self._known >= SEASONS and self._beside >= 0.5

    @property
    def _beside(self) -> float:
        if self._filled[0] != self.fitted:
            counts = np.bincount(self.slots[: self.fitted], minlength=SLOTS)
            together = counts[counts >= LEAST_IN_SLOT].sum()
            self._filled = self.fitted, float(together) / max(self.fitted, 1)
        return self._filled[1]

    def _fit(self) -> RateBaseline | LevelBaseline:
        n, days = self.fitted, max(self._known / timedelta(days=1), 0.25)
        values, rows = np.array(self.values[:n]), np.array(self.rows[:n], dtype=np.float64)
        slots = np.array(self.slots[:n], dtype=np.int64) * self._seasonal
        kept = stable(values, rows, slots, self.kind)
        if self._seasonal:
            kept &= (np.bincount(slots[kept], minlength=SLOTS) >= LEAST_IN_SLOT)[slots]
        past = f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} hours"
        source = f"the same hours of {past}" if self._seasonal else f"the first {past}"
        if self.kind is Kind.RATE:
            return fit_rate(values[kept], rows[kept], slots[kept], days, source)
        log = self.kind is Kind.POSITIVE
        return fit_level(values[kept], rows[kept], slots[kept], days, log, source)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `resume` reads them."""
        return {
            "first": iso(self.first),
            "last": iso(self.last),
            "values": self.values,
            "rows": self.rows,
            "slots": self.slots,
            "fitted": self.fitted,
            "fitted_at": iso(self.fitted_at),
        }

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Go on from what was saved: the baseline is the same until it is renewed."""
        self.first, self.last = moment(saved["first"]), moment(saved["last"])
        self.values, self.rows = list(saved["values"]), list(saved["rows"])
        self.slots = list(saved["slots"])
        self.fitted, self.fitted_at = saved["fitted"], moment(saved["fitted_at"])


def iso(at: datetime | None) -> str | None:
    """A moment as JSON takes it."""
    return None if at is None else at.isoformat()


def moment(text: str | None) -> datetime | None:
    """The inverse of `iso`."""
    return None if text is None else datetime.fromisoformat(text)


def stable(values: Floats, rows: Floats, slots: Ints, kind: Kind) -> NDArray[np.bool_]:
    """The readings that belong to a stable stretch: those not far from the others of their slot.

    Rates are compared as 2 sqrt(n) arcsin sqrt(rate), whose noise is 1 whatever the rate.
    """
    if kind is Kind.RATE:
        pooled = (values * rows).sum() / rows.sum()
        angle = np.arcsin(np.sqrt(np.clip(values, 0, 1))) - np.arcsin(np.sqrt(pooled))
        off, least = residuals(2 * np.sqrt(rows) * angle, slots)[0], 1.0
    else:
        off, least = residuals(np.log(values) if kind is Kind.POSITIVE else values, slots)[0], 1e-12
    near: NDArray[np.bool_] = np.abs(off) <= OUTLYING * max(
        float(np.median(np.abs(off))) * NORMAL_MAD, least
    )
    return near if near.mean() >= 1 - MOST_OUTLYING else np.ones_like(near)
