"""Baselines from past windows, and from the figures of a reference."""

import math
from dataclasses import replace

import numpy as np

from timonel.anomalies.baseline import (
    FREEDOM,
    SLOTS,
    FigureBaseline,
    Floats,
    Ints,
    LevelBaseline,
    RateBaseline,
    standard_error,
)
from timonel.performance.value import Measured

NORMAL_MAD = 1.4826
"""The standard deviation of a normal law, in median absolute deviations."""
INDEPENDENT = 4
"""Windows of a day that tell something new: what wanders keeps its course for hours."""
FEW = 16
"""As many independent windows make the overdispersion uncertain by its own size."""
LEAST_FREEDOM = 5
"""Degrees of freedom of a spread that little is known of."""


def fit_rate(values: Floats, rows: Floats, slots: Ints, days: float, source: str) -> RateBaseline:
    """Pooled rates by slot, and the overdispersion by the method of moments over all windows.

    Autocorrelated windows of few days hold few independent ones, so the overdispersion is raised by as
    much as their number leaves open.
    """
    hits = values * rows
    total = np.bincount(slots, rows, SLOTS).astype(np.float64)
    events = np.bincount(slots, hits, SLOTS).astype(np.float64)
    windows = np.bincount(slots, minlength=SLOTS).astype(np.float64)
    p = (events[slots] + 0.5) / (total[slots] + 1)
    pearson = float(((hits - rows * p) ** 2 / (rows * p * (1 - p))).sum())
    left = max(1, len(values) - len(np.unique(slots)))
    rho = (pearson / left - 1) / max(float(rows.mean()) - 1, 1)
    rho = min(max(rho * (1 + FEW / _independent(len(values), days)), 0.0), 0.5)
    return RateBaseline(events, total, windows, rho, source)


def fit_level(
    values: Floats, rows: Floats, slots: Ints, days: float, log: bool, source: str
) -> LevelBaseline:
    """Medians by slot, the spread of what is left from its median absolute deviation."""
    off, centres = residuals(np.log(values) if log else values, slots)
    spread = max(float(np.median(np.abs(off))) * NORMAL_MAD, float(np.std(off)) / 2, 1e-9)
    windows = np.bincount(slots, minlength=SLOTS).astype(np.float64)
    furthest, typical = float(np.abs(off).max()), float(np.median(rows))
    freedom = int(min(FREEDOM, max(LEAST_FREEDOM, _independent(len(values), days) - 1)))
    return LevelBaseline(centres, windows, spread, furthest, typical, freedom, log, source)


def _independent(windows: int, days: float) -> float:
    return min(float(windows), INDEPENDENT * days)


def residuals(values: Floats, slots: Ints) -> tuple[Floats, Floats]:
    """What is left of the values without their slot's median, and the medians (NaN where there is none)."""
    centres = np.full(SLOTS, np.nan)
    for slot in np.unique(slots):
        centres[slot] = np.median(values[slots == slot])
    return values - centres[slots], centres


def from_figure(figure: Measured, rate: bool) -> RateBaseline | FigureBaseline:
    """A baseline of one figure of the reference, which holds for every slot."""
    source = f"the reference (n={figure.n:,})"
    if not rate:
        return FigureBaseline(figure, source)
    rows, one = np.full(SLOTS, float(max(figure.n, 1))), np.ones(SLOTS)
    return RateBaseline(rows * float(figure), rows, one, 0.0, source)


def around_figure(
    learnt: RateBaseline | LevelBaseline, figure: Measured
) -> RateBaseline | LevelBaseline:
    """The reference's figure for a centre, with the variation between windows that was learnt."""
    source = f"the reference (n={figure.n:,}), varying as {learnt.source}"
    if isinstance(learnt, RateBaseline):
        given = from_figure(figure, rate=True)
        assert isinstance(given, RateBaseline)
        return replace(given, rho=learnt.rho, source=source)
    value, error = float(figure), standard_error(figure)
    if learnt.log:
        if value <= 0:
            return learnt
        value, error = math.log(value), error / value
    centres = np.full(SLOTS, value)
    known = np.full(SLOTS, max(1.0, float(learnt.windows.sum())))
    return replace(learnt, centres=centres, windows=known, error=error, source=source)
