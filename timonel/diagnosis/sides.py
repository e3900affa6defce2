"""Reference and current rows side by side, with the same resamples for all that is compared between them."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.loss import Floats
from timonel.diagnosis.onset import onset
from timonel.diagnosis.resampling import Resamples, clear
from timonel.diagnosis.rows import Rows

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rise:
    """A mean before and now, and how many standard errors lie between."""

    before: float
    now: float
    z: float

    @property
    def by(self) -> float:
        """The difference."""
        return self.now - self.before


@dataclass(frozen=True, eq=False)
class Sides:
    """Rows of both sides."""

    reference: Rows
    current: Rows
    before: Resamples
    now: Resamples

    @classmethod
    def of(cls, reference: Rows, current: Rows, rng: np.random.Generator) -> "Sides":
        """Draw resamples for both."""
        drawn = (Resamples.draw(side.time, rng) for side in (reference, current))
        return cls(reference, current, *drawn)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to compare."""
        return not len(self.reference) or not len(self.current)

    def rise(self, before: Floats | Bools, now: Floats | Bools) -> Rise:
        """By how much a mean differs; rows that are NaN are left out."""
        known = [~np.isnan(np.asarray(v, dtype=np.float64)) for v in (before, now)]
        values = [np.nan_to_num(np.asarray(v, dtype=np.float64)) for v in (before, now)]
        a = self.before.means(values[0], known[0].astype(np.float64))
        b = self.now.means(values[1], known[1].astype(np.float64))
        if not known[0].any() or not known[1].any():
            return Rise(float(a[0]), float(b[0]), 0.0)
        return Rise(float(a[0]), float(b[0]), clear(b - a))

    def first_seen(self, before: Floats | Bools, now: Floats | Bools) -> datetime | None:
        """When a mean changed to what it is now."""
        values = np.concatenate([before, now]).astype(np.float64)
        time = np.concatenate([self.reference.time, self.current.time])
        known = ~np.isnan(values)
        since = int(self.current.time[0]) if len(self.current) else 0
        rising = bool(np.nanmean(now) >= np.nanmean(before)) if len(before) and len(now) else True
        return onset(time[known], values[known], since, rising)
