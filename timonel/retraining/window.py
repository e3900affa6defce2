"""Which rows a retraining learns from: the candidates, and the choice by forward-chained loss.

Each candidate window is fitted on what was known before a stretch and scored on that stretch, stretch by
stretch through the newest rows whose labels have matured. The differences are taken row by row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from timonel.errors import BadInput
from timonel.performance.intervals import Z
from timonel.performance.value import Measured
from timonel.terms import Window

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Instants = NDArray[np.int64]
"""Microseconds since 1970 UTC, ascending."""

NEWEST = 0.2
"""The share of the rows that windows are judged by."""
LEAST_ROWS = 200
"""A window with fewer rows is no candidate."""
CANDIDATES = (Window.ALL, Window.RESERVOIR, Window.RECENT)
"""The one with the most rows first: it is kept unless another is surely better."""
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Fold:
    """A stretch to be predicted, and what is known when it begins."""

    known: int
    """The first so many rows have a label by then."""
    rows: slice


@dataclass(frozen=True, eq=False)
class Lesson:
    """Rows to learn from, and how much each counts."""

    rows: Ints
    weights: Floats


Losses = Callable[[Lesson, slice], Floats]
"""Fits a model on the rows of a lesson; gives its loss on each row of the slice."""


@dataclass(frozen=True)
class Choice:
    """The window that was chosen, and what decided."""

    window: Window
    losses: Mapping[Window, Measured]
    """Mean loss of each candidate on the same rows, with a 95 % interval."""
    better_by: Measured | None
    """How much less than that of all rows its loss is, paired; None where all rows were chosen."""
    half_life: timedelta
    """Of the weights of all rows."""
    recent: int
    """Rows since the change: as many older ones fill the reservoir."""


def folds(
    times: Instants, delay: timedelta, share: float = NEWEST, count: int = 3
) -> tuple[Fold, ...]:
    """The newest `share` of the rows in `count` stretches; all rows must have mature labels."""
    n = len(times)
    bounds = np.linspace(int(n * (1 - share)), n, count + 1).astype(int).tolist()
    late = delay // timedelta(microseconds=1)
    return tuple(
        Fold(int(np.searchsorted(times, times[start] - late, side="left")), slice(start, stop))
        for start, stop in pairwise(bounds)
        if start < stop
    )


def lesson(window: Window, times: Instants, since: datetime, half_life: timedelta) -> Lesson | None:
    """What a window teaches of the rows with these times; None where it is too little."""
    change = int(np.searchsorted(times, _micros(since)))
    n, ones = len(times), np.ones(len(times))
    if window is Window.ALL:
        return Lesson(np.arange(n), age_weights(times, half_life)) if n >= LEAST_ROWS else None
    if n - change < LEAST_ROWS:
        return None
    old = drawn(change, n - change, 0) if window is Window.RESERVOIR else drawn(0, 0, 0)
    rows = np.concatenate([old, np.arange(change, n)])
    return Lesson(rows, ones[: len(rows)])


def choose_window(
    times: Instants,
    since: datetime,
    delay: timedelta,
    losses: Losses,
    candidates: Sequence[Window] = CANDIDATES,
) -> Choice:
    """The best window for a change at `since`; of those that are not surely better, all rows.

    `losses` is called once for each candidate and fold. Raises BadInput for too few rows.
    """
    half_life = _half_life(times, since)
    recent = len(times) - int(np.searchsorted(times, _micros(since)))
    plan = folds(times, delay, _share(recent, len(times)))
    found = {
        window: np.concatenate(parts)
        for window in candidates
        if (parts := _played(window, plan, times, since, half_life, losses)) is not None
    }
    if Window.ALL not in found:
        raise BadInput(
            f"{len(times):,} labelled rows are too few to choose a window by",
            fix=f"wait for labels, {LEAST_ROWS} before the newest fifth at least",
        )
    best = min(found, key=lambda window: float(found[window].mean()))
    gain = _mean(found[Window.ALL] - found[best])
    sure = gain.lower is not None and gain.lower > 0
    told = {window: _mean(loss) for window, loss in found.items()}
    return Choice(best if sure else Window.ALL, told, gain if sure else None, half_life, recent)


def age_weights(times: Instants, half_life: timedelta) -> Floats:
    """How much each row counts: half as much for every `half_life` back from the newest; 1 on average."""
    if not len(times):
        return np.empty(0)
    age = (times.max() - times) / (half_life / timedelta(microseconds=1))
    weights: Floats = np.exp2(-np.minimum(age, 60.0))
    weights *= len(weights) / weights.sum()
    return weights


def drawn(n: int, most: int, seed: int) -> Ints:
    """At most so many of n rows, drawn at random, in their order."""
    rng = np.random.default_rng(seed)
    return np.sort(rng.choice(n, size=min(n, most), replace=False)).astype(np.intp)


def _played(
    window: Window,
    plan: tuple[Fold, ...],
    times: Instants,
    since: datetime,
    half_life: timedelta,
    losses: Losses,
) -> list[Floats] | None:
    """The losses on every fold; None if the window has too few rows for one of them."""
    lessons = [lesson(window, times[: fold.known], since, half_life) for fold in plan]
    whole = [one for one in lessons if one is not None]
    if not whole or len(whole) < len(lessons):
        return None
    return [losses(taught, fold.rows) for taught, fold in zip(whole, plan, strict=True)]


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _share(recent: int, n: int) -> float:
    """The newest fifth, but the newer half of what came after the change at most: the older half teaches."""
    half = recent / 2
    return min(NEWEST, half / n) if half >= LEAST_ROWS else NEWEST


def _half_life(times: Instants, since: datetime) -> timedelta:
    """The time since the change, but a tenth of the whole at least and a day."""
    newest = _EPOCH + timedelta(microseconds=int(times[-1])) if len(times) else since
    whole = timedelta(microseconds=int(times[-1] - times[0])) if len(times) else timedelta(0)
    return max(newest - since, whole / 10, timedelta(days=1))


def _mean(values: Floats) -> Measured:
    """The mean with a normal interval; rows are taken as independent."""
    mean, half = float(values.mean()), Z * float(values.std()) / sqrt(len(values))
    return Measured(mean, mean - half, mean + half, len(values))
