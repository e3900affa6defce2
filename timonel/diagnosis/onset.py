"""When a series changed: the segmentation of least squares with a penalty for each change (PELT)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.loss import Floats

Ints = NDArray[np.int64]

WINDOWS = 240
LEAST = 12
"""Windows that a series needs."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def onset(time: Ints, values: Floats, since: int, rising: bool = True) -> datetime | None:
    """The first change, not before `since`, to a level above that of before (below: rising=False).

    Rows are averaged in WINDOWS windows of equal length; None where no change pays its penalty.

    Args:
        time: (n,) microseconds since 1970 UTC, of reference and current rows.
        values: (n,) one value a row, such as its loss.
        since: no change before this time is of interest.
        rising: whether it changed upwards.
    """
    if len(time) < LEAST:
        return None
    first, last = int(time.min()), int(time.max())
    width = max(1, (last - first) // WINDOWS + 1)
    at = (time - first) // width
    n = np.bincount(at).astype(np.float64)
    total = np.bincount(at, values)
    held = np.flatnonzero(n)
    if len(held) < LEAST:
        return None
    weights: Floats = n[held]
    means: Floats = (total[held] / weights) * (1.0 if rising else -1.0)
    starts = first + held * width
    base = _level(means, weights, starts < since)
    cuts = [0, *changes(means, weights), len(means)]
    for low, high in pairwise(cuts[1:]):
        raised = _level(means, weights, np.arange(len(means)) >= low, high) > base
        if raised and starts[low] + width > since - width:
            return EPOCH + timedelta(microseconds=int(max(starts[low], since)))
    return None


def changes(means: Floats, weights: Floats) -> list[int]:
    """The positions at which the level of a series changes.

    References:
        R. Killick, P. Fearnhead, I. Eckley: Optimal detection of changepoints with a linear computational
        cost. JASA 107(500), 2012: the cost of a segment is its weighted sum of squares, the penalty
        3 sigma^2 log n with sigma from first differences.
    """
    size = len(means)
    s1, s2, w = (np.concatenate([[0.0], np.cumsum(v)]) for v in _moments(means, weights))
    scale = np.diff(means) * np.sqrt(weights[1:] * weights[:-1] / (weights[1:] + weights[:-1]))
    noise = (float(np.median(np.abs(scale))) / 0.6745) ** 2 if size > 1 else 0.0
    penalty = 3 * max(noise, 1e-12) * np.log(size)
    best = np.full(size + 1, -penalty)
    previous = np.zeros(size + 1, dtype=np.int64)
    candidates = np.array([0])
    for end in range(1, size + 1):
        a, b, c = s2[end] - s2[candidates], s1[end] - s1[candidates], w[end] - w[candidates]
        cost = best[candidates] + a - b**2 / c
        k = int(cost.argmin())
        best[end], previous[end] = cost[k] + penalty, candidates[k]
        candidates = np.append(candidates[cost <= best[end]], end)
    found, at = [], size
    while at > 0:
        at = int(previous[at])
        found.append(at)
    return sorted(found)[1:]


def _moments(means: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    return means * weights, means**2 * weights, weights


def _level(
    means: Floats, weights: Floats, chosen: NDArray[np.bool_], until: int | None = None
) -> float:
    chosen = chosen & (np.arange(len(means)) < (len(means) if until is None else until))
    return float(np.average(means[chosen], weights=weights[chosen])) if chosen.any() else 0.0
