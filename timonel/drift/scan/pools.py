"""Effects of rolling pools: the last hour, six hours and day of each window, against their slots' references.

Every window is compared with its own slot before the pool is summed, so that neither the time of day nor a
busy hour looks like a drift.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.effects import Floats, Measure, measures, shares
from timonel.drift.scan.windows import HOUR, WINDOW, WINDOWS_A_SLOT, Counts, History, Times
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


@dataclass(frozen=True, slots=True, eq=False)
class Pools:
    """What the pools that end with each of T windows show, on M tracks and S scales.

    A track is one distance of one feature.
    """

    effects: Floats
    """(T, M, S), NaN for unknown."""
    rows: Floats
    """(T, M, S)"""

    def take(self, at: NDArray[Any]) -> "Pools":
        """Some of the windows."""
        return Pools(self.effects[at], self.rows[at])


def tracks(bins: tuple[Bins, ...]) -> NDArray[np.intp]:
    """(M,) the feature of each track."""
    return np.repeat(np.arange(len(bins)), [len(measures(b)) for b in bins])


def pool(history: History, at: NDArray[np.intp], reference: Tallies) -> Pools:
    """The pools of an ordered history, each window against its own reference.

    Args:
        history: T windows of F features.
        at: (T,) which of the K references is each window's.
        reference: (K, F, 42)
    """
    starts = pool_starts(history.time)
    found = [
        _track(measure, history.counts[:, j], at, reference[:, j], starts)
        for j, feature in enumerate(history.bins)
        for measure in measures(feature)
    ]
    running = _running(history.counts.sum(2, dtype=np.float64))
    rows = np.stack([running[1:] - running[start] for start in starts], axis=2)
    rows = rows[:, tracks(history.bins)]
    effects = np.stack(found, axis=1) if found else np.zeros(rows.shape)
    return Pools(np.where(rows >= LEAST_POOL_ROWS, effects, np.nan), rows)


def _track(
    measure: Measure,
    counts: Counts,
    at: NDArray[np.intp],
    reference: Tallies,
    starts: list[NDArray[np.intp]],
) -> Floats:
    """One distance of one feature: (T, S)."""
    sums = _Sums.of(measure, counts, at, reference)
    return np.stack([sums.effect(start) for start in starts], axis=1)


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
