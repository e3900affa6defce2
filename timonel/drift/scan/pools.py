"""Effects of rolling pools: the last hour, six hours and day of each window, against their slots' references.

Every window is compared with its own slot before the pool is summed, so that neither the time of day nor a
busy hour looks like a drift.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.effects import Floats, Measure, measures, shares
from timonel.drift.scan.windows import HOUR, WINDOW, WINDOWS_A_SLOT, Counts, Times
from timonel.drift.scan.yardstick import Tallies
from timonel.reference.bins import Bins

LEAST_POOL_ROWS = 30
"""A pool of fewer rows says nothing of a feature."""


class Scale(Enum):
    """How far back a pool reaches."""

    HOUR = "1h"
    QUARTER = "6h"
    DAY = "24h"

    @property
    def hours(self) -> int:
        """Its length."""
        return int(self.value[:-1])

    @property
    def windows(self) -> int:
        """Its length in windows."""
        return self.hours * HOUR // WINDOW


SCALES = tuple(Scale)


def pooled(
    time: Times, counts: Counts, at: NDArray[np.intp], reference: Tallies, bins: Bins
) -> Floats:
    """One feature's effect on each scale, at each window: (T, 3), NaN where there are too few rows.

    Args:
        time: (T,) ascending.
        counts: (T, 42)
        at: (T,) which of the K references is each window's.
        reference: (K, 42)
        bins: the feature's.
    """
    starts = pool_starts(time)
    largest = np.full((len(time), len(SCALES)), np.nan)
    for measure in measures(bins):
        sums = _Sums.of(measure, counts, at, reference)
        for i, start in enumerate(starts):
            largest[:, i] = np.fmax(largest[:, i], sums.effect(start))
    rows = _running(counts.sum(1, dtype=np.float64))
    enough = np.stack([rows[1:] - rows[start] >= LEAST_POOL_ROWS for start in starts], axis=1)
    return np.where(enough, largest, np.nan)


def pool_starts(time: Times) -> list[NDArray[np.intp]]:
    """The first window of the pool that ends with each window, on each scale."""
    return [np.searchsorted(time, time - s.windows * WINDOW, "right") for s in SCALES]


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """What a distance needs, summed from the first window on, a row of zeros before it."""

    measure: Measure
    difference: Floats
    variance: Floats
    rows: Floats

    @classmethod
    def of(
        cls, measure: Measure, counts: Counts, at: NDArray[np.intp], reference: Tallies
    ) -> "_Sums":
        """The sums of the windows whose reference has rows."""
        expected, base = shares(measure, reference)
        n = np.where(base[at] > 0, counts @ measure.counted, 0.0)
        difference = counts @ measure.into * (n > 0)[:, None] - n[:, None] * expected[at]
        # an hour's windows share the chance error of their reference
        doubt = n * (1 + WINDOWS_A_SLOT * n / np.maximum(base, 1)[at])
        variance = doubt[:, None] * (expected * (1 - expected))[at]
        return cls(measure, _running(difference), _running(variance), _running(n))

    def effect(self, start: NDArray[np.intp]) -> Floats:
        """The distance of each pool, from its start to each window."""
        variance = np.maximum(self.variance[1:] - self.variance[start], 0)
        difference = self.difference[1:] - self.difference[start]
        return self.measure.distance(difference, variance, self.rows[1:] - self.rows[start])


def _running(x: Floats) -> Floats:
    return np.concatenate([np.zeros((1, *x.shape[1:])), np.cumsum(x, axis=0)])
