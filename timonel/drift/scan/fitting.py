"""How a scan learns seasons and limits from healthy traffic."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.budget import LEAST_DAYS, Budget
from timonel.drift.scan.calibration import Calibration, busy_windows, settled
from timonel.drift.scan.effects import Floats, unit
from timonel.drift.scan.gates import GATES, gates_of
from timonel.drift.scan.pools import Pools, pool, tracks
from timonel.drift.scan.thresholds import Limits, fit_limits
from timonel.drift.scan.windows import DAY, SLOTS, WINDOW, History, slots, weeks
from timonel.drift.scan.yardstick import Tallies, Yardstick, by_slot, filled
from timonel.errors import BadInput
from timonel.reference.bins import Bins

LEAST_DAYS_SEEN = 20
"""Of the least history, so many days must have traffic."""
WIDER = 2.0
"""Without seasons the gates of the severities are so many times as wide."""
PLAIN_GATES = (0.5, 0.4, 0.2)
"""Without seasons: the least effect of an hour, six hours, a day; an hour differs from a day's mix anyway."""
HEADROOM = 1.25
"""A short history's own largest effect, times this, is healthy."""


def fit(
    history: History, weights: Mapping[str, float] | None, false_alarms_per_month: float
) -> Calibration:
    """Learn from an ordered history; a plain calibration if it is too short."""
    if not false_alarms_per_month > 0:
        raise BadInput(f"the budget is {false_alarms_per_month} a month, expected more than 0")
    gates = units(history.bins)[:, None] * gates_of(history.bins, weights)
    if not long_enough(history):
        return _fit_short(history, gates, false_alarms_per_month)
    return fit_seasons(history, gates, false_alarms_per_month)


def long_enough(history: History) -> bool:
    """Whether the history tells the seasons."""
    seen = history.time[history.counts.any(axis=(1, 2))]
    return round(history.days) >= LEAST_DAYS and len(np.unique(seen // DAY)) >= LEAST_DAYS_SEEN


def fit_seasons(history: History, gates: Floats, false_alarms_per_month: float) -> Calibration:
    """Slot by slot, with limits from each week against the others; gates (F, 3) in the features' units."""
    totals = by_slot(history)
    usual = np.median(busy_windows(history), axis=0)
    least = tuple(int(half) for half in np.ceil(usual / 2))
    healthy = settled(_held_out(history, totals), history, least)
    track = tracks(history.bins)
    limits = fit_limits(
        healthy,
        weeks(history.time),
        np.repeat(gates[track, :1], healthy.effects.shape[2], axis=1),
        units(history.bins)[track],
        len(history.time) * WINDOW / DAY,
        false_alarms_per_month,
    )
    return Calibration(
        history.bins,
        Yardstick(filled(totals)),
        limits,
        gates,
        Budget(false_alarms_per_month, len(history.bins), history.days, kept=True),
        (int(history.time[0]), int(history.time[-1]) + WINDOW),
        len(history.time),
        least,
    )


def fit_plain(
    reference: Tallies, bins: tuple[Bins, ...], gates: Floats, budget: Budget
) -> Calibration:
    """One reference (F, 42) for all hours, with wider gates."""
    floor = gates[tracks(bins), :1] / GATES[0] * np.array(PLAIN_GATES)
    nothing = np.zeros_like(floor)
    limits = Limits(floor, nothing, nothing)
    return Calibration(bins, Yardstick(reference[None]), limits, WIDER * gates, budget)


def units(bins: tuple[Bins, ...]) -> Floats:
    """(F,) what an effect of 1 sd is in each feature's own unit."""
    return np.array([unit(b) for b in bins], dtype=np.float64)


def _held_out(history: History, totals: Tallies) -> Pools:
    """Each week against the slots of the other weeks."""
    found, week = np.unique(weeks(history.time), return_inverse=True)
    others = [filled(totals - by_slot(history.take(week == k))) for k in range(len(found))]
    return pool(history, week * SLOTS + slots(history.time), np.concatenate(others))


def _fit_short(history: History, gates: Floats, false_alarms_per_month: float) -> Calibration:
    """Plain, and as wide as the history itself moved."""
    budget = Budget(false_alarms_per_month, len(history.bins), history.days, kept=False)
    first = fit_plain(history.counts.sum(0, dtype=np.int64), history.bins, gates, budget)
    return widened(first, history, np.ones(len(history.bins), dtype=bool), HEADROOM)


def pages_alone(calibration: Calibration) -> Calibration:
    """With limits no lower than what is worth a page."""
    floor = np.maximum(calibration.limits.floor, calibration.gates[calibration.tracks, 2:])
    return replace(calibration, limits=replace(calibration.limits, floor=floor))


def widened(
    calibration: Calibration, history: History, restless: NDArray[np.bool_], headroom: float
) -> Calibration:
    """With limits of `headroom` times the largest effects of a history about its own mean, if these are more.

    Only of the features (F,) that are `restless`; the reference stays.
    """
    own = Yardstick(history.counts.sum(0, dtype=np.int64)[None])
    pools = replace(calibration, yardstick=own).pools(history)
    moved = np.max(np.nan_to_num(pools.effects), axis=0, initial=0)
    usual = np.where(restless[calibration.tracks, None], headroom * moved, 0)
    floor = np.maximum(calibration.limits.floor, usual)
    return replace(calibration, limits=replace(calibration.limits, floor=floor))
