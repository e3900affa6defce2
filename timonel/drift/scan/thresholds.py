"""Thresholds that keep a declared number of false alarms a month for all features together.

The history is compared with itself, each week with the others. Effects are put on one footing by each
feature's own 95 % quantile, of the other weeks again; the peaks of the excursions above it, pooled over
the features, have a tail that is taken as exponential; the threshold stands where it leaves the budget.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.effects import Floats

CLEAR = 0.6
"""An excursion or episode ends below this part of its threshold."""
QUANTILE = 0.95
GATES = (0.1, 0.2, 0.5)
"""Info, ticket, page: in standard deviations; half of these for categories."""
SMALLEST = GATES[0] / 10
"""A feature's footing is at least this, in standard deviations: nothing smaller matters."""
TAIL_SHARE, LEAST_PEAKS = 0.1, 100
"""The tail is fitted to the highest tenth of the peaks, or to a hundred of them."""


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


def thresholds(
    effects: Floats,
    weeks: NDArray[np.intp],
    units: Floats,
    days: float,
    false_alarms_per_month: float,
) -> Floats:
    """Footing times height, (F, S), such that all features on all scales share the budget.

    Args:
        effects: (T, F, S) of healthy traffic, NaN for unknown.
        weeks: (T,) the week of each.
        units: (F,) what an effect of 1 sd is in each feature's own unit.
        days: how long the T windows last.
        false_alarms_per_month: the budget.
    """
    scaled = np.empty_like(effects)
    for week in np.unique(weeks):
        # the height then allows for how roughly a footing is known
        scaled[weeks == week] = effects[weeks == week] / footing(effects[weeks != week], units)
    a_day = false_alarms_per_month / 30 / effects.shape[2]
    heights = [
        fit_tail(_family_peaks(scaled[:, :, s]), days).level(a_day) for s in range(effects.shape[2])
    ]
    return np.asarray(footing(effects, units) * np.array(heights))


def footing(effects: Floats, units: Floats) -> Floats:
    """Each feature's 95 % quantile on each scale: (T, F, S) -> (F, S)."""
    found = np.repeat(SMALLEST * units[:, None], effects.shape[2], axis=1)
    for j, s in np.argwhere(np.isfinite(effects).any(0)):
        found[j, s] = max(found[j, s], np.nanquantile(effects[:, j, s], QUANTILE))
    return found


def _family_peaks(scaled: Floats) -> Floats:
    return np.concatenate([np.zeros(0), *(peaks(column) for column in scaled.T)])
