"""What a scan has learnt: references, thresholds and the budget of false alarms they keep."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.effects import Floats, unit
from timonel.drift.scan.pools import SCALES, pool_starts, pooled
from timonel.drift.scan.thresholds import GATES, thresholds
from timonel.drift.scan.windows import DAY, SLOTS, WINDOW, History, slots, weeks
from timonel.drift.scan.yardstick import Tallies, Yardstick, by_slot, filled
from timonel.errors import BadInput
from timonel.reference.bins import Bins, bins_from_dict

LEAST_DAYS = 28
LEAST_DAYS_SEEN = 20
"""Of the least history, so many days must have traffic."""
WIDER = 2.0
"""Without seasons the gates of the severities are so many times as wide."""
PLAIN_GATES = (0.5, 0.4, 0.2)
"""Without seasons: the least effect of an hour, six hours, a day; an hour differs from a day's mix anyway."""
HEADROOM = 1.25
"""A short history's own largest effect, times this, is healthy."""
MOST_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class Budget:
    """How many false alarms to expect, and on what that rests."""

    false_alarms_per_month: float
    """Of all features on all scales together, in 30 days."""
    features: int
    days: float
    """Of history."""
    kept: bool
    """Whether the thresholds were fitted to keep it."""

    def __str__(self) -> str:
        family = f"{self.features} features x {len(SCALES)} scales"
        if self.kept:
            return (
                f"at most {self.false_alarms_per_month:g} false alarms in 30 days over {family},"
                f" fitted on {self.days:.0f} days of history"
            )
        return (
            f"no budget is kept: {self.days:.0f} days of history, {LEAST_DAYS} are needed to know the"
            f" seasons; plain reference and wider gates for {family}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Everything that judging a window needs, and nothing that changes with it."""

    bins: tuple[Bins, ...]
    yardstick: Yardstick
    thresholds: Floats
    """(F, S), in each feature's unit."""
    gates: Floats
    """(F, 3): info, ticket, page."""
    budget: Budget
    span: tuple[int, int] | None = None
    """The start of the first window that it was fitted on and the end of the last."""
    windows: int = 0
    """How many there were."""
    least: tuple[int, ...] = tuple(scale.windows // 2 for scale in SCALES)
    """The windows with traffic that a pool of each scale needs."""

    @property
    def features(self) -> tuple[str, ...]:
        """The features' names."""
        return tuple(b.name for b in self.bins)

    def effects(self, history: History) -> Floats:
        """The effects of the pools that end with each window: (T, F, S), NaN for unknown."""
        found = _effects(history, self.yardstick.at(history.time), self.yardstick.counts)
        return _where_filled(found, history, self.least)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "bins": [b.to_dict() for b in self.bins],
            "reference": self.yardstick.counts.tolist(),
            "thresholds": self.thresholds.tolist(),
            "gates": self.gates.tolist(),
            "budget": asdict(self.budget),
            "span": self.span,
            "windows": self.windows,
            "least": self.least,
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(
            tuple(bins_from_dict(b) for b in saved["bins"]),
            Yardstick(np.array(saved["reference"], dtype=np.int64)),
            np.array(saved["thresholds"], dtype=np.float64),
            np.array(saved["gates"], dtype=np.float64),
            Budget(**saved["budget"]),
            tuple(saved["span"]) if saved["span"] else None,
            saved["windows"],
            tuple(saved["least"]),
        )


def calibrate(
    history: History, weights: Mapping[str, float] | None, false_alarms_per_month: float
) -> Calibration:
    """Learn seasons and thresholds from an ordered history; a plain calibration if it is too short."""
    if not false_alarms_per_month > 0:
        raise BadInput(f"the budget is {false_alarms_per_month} a month, expected more than 0")
    gates = gates_of(history.bins, weights)
    if not long_enough(history):
        return _short(history, gates, false_alarms_per_month)
    return seasonal(history, gates, false_alarms_per_month)


def long_enough(history: History) -> bool:
    """Whether the history tells the seasons."""
    seen = history.time[history.counts.any(axis=(1, 2))]
    return round(history.days) >= LEAST_DAYS and len(np.unique(seen // DAY)) >= LEAST_DAYS_SEEN


def seasonal(history: History, gates: Floats, false_alarms_per_month: float) -> Calibration:
    """Slot by slot, with thresholds from each week against the others; `gates` as of `gates_of`."""
    units = _units(history.bins)
    totals = by_slot(history)
    least = _usual(history)
    healthy = _where_filled(_held_out_effects(history, totals), history, least)
    days = len(history.time) * WINDOW / DAY
    fitted = thresholds(healthy, weeks(history.time), units, days, false_alarms_per_month)
    return Calibration(
        history.bins,
        Yardstick(filled(totals)),
        np.maximum(gates[:, :1], fitted),
        gates,
        Budget(false_alarms_per_month, len(history.bins), history.days, kept=True),
        (int(history.time[0]), int(history.time[-1]) + WINDOW),
        len(history.time),
        least,
    )


def plain(reference: Tallies, bins: tuple[Bins, ...], gates: Floats, budget: Budget) -> Calibration:
    """One reference (F, 42) for all hours, with wider gates."""
    limits = gates[:, :1] / GATES[0] * np.array(PLAIN_GATES)
    return Calibration(bins, Yardstick(reference[None]), limits, WIDER * gates, budget)


def gates_of(bins: tuple[Bins, ...], weights: Mapping[str, float] | None) -> Floats:
    """Info, ticket, page (F, 3); twice the mean importance halves them, half of it or less doubles them."""
    relative = np.ones(len(bins))
    if weights:
        unknown = set(weights) - {b.name for b in bins}
        if unknown or not all(w >= 0 for w in weights.values()) or not sum(weights.values()) > 0:
            raise BadInput(
                f"weights are {dict(weights)}, expected numbers of 0 or more, not all 0, for the features"
                f" {[b.name for b in bins]}"
            )
        mean = sum(weights.values()) / len(weights)
        relative = np.array([weights.get(b.name, mean) / mean for b in bins])
    units = _units(bins) / np.clip(relative, 1 / MOST_WEIGHT, MOST_WEIGHT)
    return np.asarray(units[:, None] * np.array(GATES))


def _units(bins: tuple[Bins, ...]) -> Floats:
    return np.array([unit(b) for b in bins], dtype=np.float64)


def _held_out_effects(history: History, totals: Tallies) -> Floats:
    """Each week against the slots of the other weeks."""
    found, week = np.unique(weeks(history.time), return_inverse=True)
    others = [filled(totals - by_slot(history.take(week == k))) for k in range(len(found))]
    return _effects(history, week * SLOTS + slots(history.time), np.concatenate(others))


def _effects(history: History, at: NDArray[np.intp], reference: Tallies) -> Floats:
    found = [
        pooled(history.time, history.counts[:, j], at, reference[:, j], feature)
        for j, feature in enumerate(history.bins)
    ]
    shape = (len(history.time), 0, len(SCALES))
    return np.stack(found, axis=1) if found else np.zeros(shape)


def _usual(history: History) -> tuple[int, ...]:
    """Half of the windows with traffic that pools usually have."""
    return tuple(int(half) for half in np.ceil(np.median(_filled(history), axis=0) / 2))


def _filled(history: History) -> NDArray[np.int64]:
    """How many windows with traffic the pools that end with each window have: (T, S)."""
    busy = np.concatenate([[0], np.cumsum(history.counts.any(axis=(1, 2)))])
    return np.stack([busy[1:] - busy[start] for start in pool_starts(history.time)], axis=1)


def _where_filled(effects: Floats, history: History, least: tuple[int, ...]) -> Floats:
    """A pool that is half empty, after a start or a gap, is as restless as a shorter one: unknown."""
    return np.where((_filled(history) >= least)[:, None, :], effects, np.nan)


def _short(history: History, gates: Floats, false_alarms_per_month: float) -> Calibration:
    """Plain, and as wide as the history itself moved."""
    budget = Budget(false_alarms_per_month, len(history.bins), history.days, kept=False)
    first = plain(history.counts.sum(0, dtype=np.int64), history.bins, gates, budget)
    moved = np.max(np.nan_to_num(first.effects(history)), axis=0, initial=0)
    return replace(first, thresholds=np.maximum(first.thresholds, HEADROOM * moved))
