"""A scan over a history: what it would have told, and how often a month."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.calibration import Calibration
from timonel.drift.scan.episodes import Episode, Tracker
from timonel.drift.scan.evidence import describer
from timonel.drift.scan.fitting import fit_seasons
from timonel.drift.scan.windows import DAY, WINDOW, History, weeks
from timonel.errors import BadInput
from timonel.performance.value import Measured, State

MONTH = 30.0


@dataclass(frozen=True)
class Replay:
    """What a scan tells over a history."""

    told: tuple[Episode, ...]
    """Every statement, in order."""
    days: float
    """That the windows last."""
    windows: int
    held_out: bool
    """Whether weeks that the scan was fitted on were judged by one fitted without them."""

    @cached_property
    def episodes(self) -> tuple[Episode, ...]:
        """Each episode once, as it was told last, in order of opening."""
        return tuple({(e.feature, e.opened): e for e in self.told}.values())

    @property
    def alarms_per_month(self) -> Measured:
        """Episodes in 30 days, with the exact 95 % interval of a Poisson count; n is of windows."""
        if not self.windows:
            return Measured.absent(State.NO_DATA)
        found, months = len(self.episodes), self.days / MONTH
        low, high = poisson_interval(found)
        return Measured(found / months, low / months, high / months, self.windows)

    def __str__(self) -> str:
        alarms = self.alarms_per_month
        if not alarms.ok:
            return "no window was replayed"
        return (
            f"{len(self.episodes)} episodes in {self.days:.0f} days: {alarms:.2f} in 30 days"
            f" ({alarms.lower:.2f} to {alarms.upper:.2f})"
            + (", each week judged without itself" if self.held_out else "")
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "episodes": [episode.to_dict() for episode in self.episodes],
            "alarms_per_month": self.alarms_per_month.to_dict(),
            "days": self.days,
            "windows": self.windows,
            "held_out": self.held_out,
        }


def replay(calibration: Calibration, history: History) -> Replay:
    """Play an ordered history through a scan that has seen nothing yet."""
    if history.features != calibration.features:
        raise BadInput(
            f"the history has the features {list(history.features)},"
            f" expected those of the scan: {list(calibration.features)}"
        )
    own = _own(calibration, history)
    told: list[Episode] = []
    tracker = Tracker(calibration)
    for block in _blocks(calibration, history, own):
        told += block.tell(tracker)
    days = len(history.time) * WINDOW / DAY
    return Replay(tuple(told), days, len(history.time), bool(own.any()))


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Consecutive windows that one calibration judges, the day before them included."""

    calibration: Calibration
    history: History
    first: int
    """The first window to judge."""

    def tell(self, tracker: Tracker) -> Iterator[Episode]:
        """Go on with the open episodes."""
        time = self.history.time
        pools = self.calibration.pools(self.history)
        limits = self.calibration.limits.at(pools.rows)
        beyond = (pools.effects >= limits).any(axis=(1, 2))
        for t in range(self.first, len(time)):
            if beyond[t] or tracker.open:
                day = slice(int(np.searchsorted(time, time[t] - DAY, "right")), t + 1)
                describe = describer(self.calibration, self.history.take(day))
                now = int(time[t]) + WINDOW
                yield from tracker.step(now, pools.effects[t], limits[t], describe)


def _own(calibration: Calibration, history: History) -> NDArray[np.bool_]:
    """Which windows the calibration was fitted on."""
    if calibration.span is None or not calibration.budget.kept:
        return np.zeros(len(history.time), dtype=bool)
    start, end = calibration.span
    own = (history.time >= start) & (history.time < end)
    if own.any() and own.sum() != calibration.windows:
        raise BadInput(
            f"{own.sum():,} of the {calibration.windows:,} windows that the scan was fitted on are here",
            why="a week is judged by a scan that is fitted on the other weeks",
            fix="replay the whole history of the fit, or only windows outside it",
        )
    return np.asarray(own)


def _blocks(calibration: Calibration, history: History, own: NDArray[np.bool_]) -> Iterator[Block]:
    """Weeks of the fit's own history, and what lies before and after it."""
    label = np.where(np.cumsum(own) > 0, len(history.time), -1)
    label[own] = weeks(history.time[own])
    for week in np.unique(label):  # ascending: before, the weeks, after
        at = np.flatnonzero(label == week)
        judge = calibration
        if own[at[0]]:
            judge = _without(calibration, history.take(own & (label != week)))
        start = int(np.searchsorted(history.time, history.time[at[0]] - DAY, "right"))
        yield Block(judge, history.take(slice(start, int(at[-1]) + 1)), int(at[0]) - start)


def _without(calibration: Calibration, others: History) -> Calibration:
    """Fitted on the other weeks, with the same gates."""
    return fit_seasons(others, calibration.gates, calibration.budget.false_alarms_per_month)


def poisson_interval(count: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a Poisson mean (Garwood 1936)."""
    tail = (1 - confidence) / 2
    most = 2 * count + 20.0
    low = _mean_where(lambda mean: 1 - _at_most(count - 1, mean) > tail, most) if count else 0.0
    return low, _mean_where(lambda mean: _at_most(count, mean) < tail, most)


def _mean_where(holds: Any, high: float) -> float:
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _at_most(count: int, mean: float) -> float:
    """P(X <= count) of a Poisson."""
    logs = (k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(count + 1))
    return math.fsum(map(math.exp, logs))
