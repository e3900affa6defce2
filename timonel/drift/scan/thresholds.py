"""Thresholds that keep a declared number of false alarms a month for all features together.

The history is compared with itself, each week with the others. Effects are put on one footing by each track's
own 95 % quantile as it depends on the rows of a pool, of the other weeks again; the peaks of the excursions
above it, pooled over the tracks, have a tail that is taken as exponential, and the height stands where this
tail leaves the budget. A track is one distance of one feature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.effects import Floats
from timonel.drift.scan.gates import GATES
from timonel.drift.scan.pools import LEAST_POOL_ROWS, Pools

CLEAR = 0.6
"""An excursion or episode ends below this part of its threshold."""
QUANTILE = 0.95
SMALLEST = GATES[0] / 10
"""A footing is at least this, in standard deviations: nothing smaller matters."""
TAIL_SHARE, LEAST_PEAKS = 0.1, 100
"""The tail is fitted to the highest tenth of the peaks, or to a hundred of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """What is exceeded by chance only rarely: the floor, or sqrt(steady + chance / rows) if that is more."""

    floor: Floats
    """(M, S) the least effect that matters."""
    steady: Floats
    """(M, S) from the wandering of traffic, whatever the rows."""
    chance: Floats
    """(M, S) from the finite number of rows."""

    def at(self, rows: Floats) -> Floats:
        """The thresholds of pools of so many rows: (..., M, S) -> (..., M, S)."""
        return np.maximum(self.floor, _root(self.steady, self.chance, rows))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name).tolist() for name in ("floor", "steady", "chance")}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(*(np.array(saved[name], dtype=np.float64) for name in cls.__slots__))


@dataclass(frozen=True, slots=True)
class Tail:
    """How often peaks of excursions are higher than h: `rate * exp((start - h) / mean)` a day."""

    start: float
    rate: float
    mean: float

    def level(self, a_day: float) -> float:
        """The height that is passed so many times a day; never below the start."""
        return (
            self.start + max(0.0, float(np.log(self.rate / a_day))) * self.mean
            if self.rate
            else 0.0
        )


def peaks(x: Floats) -> Floats:
    """The highest point of each excursion of x (T,) above 1; it ends below CLEAR. NaN changes nothing."""
    above = x > 1
    if not above.any():
        return np.zeros(0)
    excursion = np.cumsum(x < CLEAR)[above]
    first = np.flatnonzero(np.diff(excursion, prepend=-1))
    return np.asarray(np.maximum.reduceat(x[above], first))


def fit_tail(found: Floats, days: float) -> Tail:
    """The exponential tail of the highest peaks; without any, a rate of 0."""
    if not len(found):
        return Tail(1.0, 0.0, 0.0)
    ordered = np.sort(found)[::-1]
    kept = min(len(ordered), max(LEAST_PEAKS, int(TAIL_SHARE * len(ordered))))
    start = float(ordered[kept]) if kept < len(ordered) else 1.0
    return Tail(start, kept / days, float((ordered[:kept] - start).mean()))


def fit_limits(
    pools: Pools, weeks: NDArray[np.intp], floor: Floats, units: Floats, days: float, a_month: float
) -> Limits:
    """Limits such that all tracks on all scales share the budget.

    Args:
        pools: of T windows of healthy traffic.
        weeks: (T,) the week of each.
        floor: (M, S) the least effect that matters.
        units: (M,) what an effect of 1 sd is in each track's own unit.
        days: how long the T windows last.
        a_month: false alarms in 30 days.
    """
    scaled = np.empty_like(pools.effects)
    for week in np.unique(weeks):
        # by the other weeks: the height then allows for how roughly a footing is known
        own = weeks == week
        steady, chance = _footing(pools.take(~own), units)
        scaled[own] = pools.effects[own] / _root(steady, chance, pools.rows[own])
    a_day = a_month / 30 / scaled.shape[2]
    height = np.array(
        [fit_tail(_family_peaks(s), days).level(a_day) for s in np.moveaxis(scaled, 2, 0)]
    )
    steady, chance = _footing(pools, units)
    return Limits(floor, height**2 * steady, height**2 * chance)


def _root(steady: Floats, chance: Floats, rows: Floats) -> Floats:
    return np.asarray(np.sqrt(steady + chance / np.maximum(rows, LEAST_POOL_ROWS)))


def _footing(pools: Pools, units: Floats) -> tuple[Floats, Floats]:
    """The squared 95 % quantile of each track as steady + chance / rows: two of (M, S)."""
    steady = np.repeat(SMALLEST**2 * units[:, None] ** 2, pools.effects.shape[2], axis=1)
    chance = np.zeros_like(steady)
    for m, s in np.argwhere((pools.effects > 0).any(0)):
        known = np.isfinite(pools.effects[:, m, s])
        found = _quantile_by_rows(pools.effects[known, m, s], pools.rows[known, m, s])
        steady[m, s], chance[m, s] = max(steady[m, s], found[0]), found[1]
    return steady, chance


def _quantile_by_rows(effects: Floats, rows: Floats) -> tuple[float, float]:
    """A line through the squared quantiles of the smaller and the larger half of the pools, over 1 / rows."""
    small = rows <= np.median(rows)
    halves = [half for half in (small, ~small) if half.any()]
    squares = [max(0.0, float(np.quantile(effects[half], QUANTILE))) ** 2 for half in halves]
    inverse = [float((1 / rows[half]).mean()) for half in halves]
    if len(halves) < 2 or inverse[0] < 1.05 * inverse[1]:  # pools of one size tell no slope
        return float(np.quantile(effects, QUANTILE)) ** 2, 0.0
    slope = max(0.0, (squares[0] - squares[1]) / (inverse[0] - inverse[1]))
    middle = (squares[0] + squares[1]) / 2 - slope * (inverse[0] + inverse[1]) / 2
    return max(0.0, middle), slope


def _family_peaks(scaled: Floats) -> Floats:
    return np.concatenate([np.zeros(0), *(peaks(track) for track in scaled.T)])
