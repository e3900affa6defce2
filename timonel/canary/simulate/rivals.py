"""Rules that are common practice, played on the same counts: when does each of them roll back?

Blocks are minutes. What the tools leave to the user is set as their own examples do.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from timonel.canary.bernoulli import Floats
from timonel.canary.simulate.played import NEVER

Ends = NDArray[np.int64]
Rule = Callable[[Floats, float], Ends]

FACTOR = 2.0
"""Fixed thresholds lie at this many times the base rate: 99 % success for 0.5 % errors."""
Z = 1.645
WINDOW, FAILURE_LIMIT = 5, 3
FAILED_CHECKS = 5
LOOK, KAYENTA_Z = 40, 2.326
TOLERANCE = 1.25
CHUNK = 250


def fixed_threshold(counts: Floats, base_rate: float) -> Ends:
    """As in Flagger's examples: each minute's rate against a threshold, five failed checks roll back."""
    return _first(np.cumsum(_rate(counts) > FACTOR * base_rate, axis=0) >= FAILED_CHECKS)


def failure_limit(counts: Floats, base_rate: float) -> Ends:
    """As an Argo Rollouts analysis: rates over five minutes, more than failureLimit 3 of them too high."""
    sums = (
        counts[: len(counts) // WINDOW * WINDOW].reshape(-1, WINDOW, *counts.shape[1:]).sum(axis=1)
    )
    failed = _rate(sums) > FACTOR * base_rate
    return _first(np.cumsum(failed, axis=0) > FAILURE_LIMIT, WINDOW)


def repeated_test(counts: Floats, base_rate: float) -> Ends:
    """A z-test of all counts so far, p < .05, at each look."""
    n_s, y_s, n_c, y_c = np.moveaxis(np.cumsum(counts, axis=0), -1, 0)
    n_s, n_c = np.maximum(n_s, 1), np.maximum(n_c, 1)
    pooled = (y_s + y_c) / (n_s + n_c)
    error = np.sqrt(np.maximum(pooled * (1 - pooled) * (1 / n_s + 1 / n_c), 1e-300))
    return _first((y_c / n_c - y_s / n_s) / error > Z)


def mann_whitney(counts: Floats, base_rate: float) -> Ends:
    """As Kayenta's judge: every 40 minutes the two series of rates by Mann and Whitney, 98 %, and by 25 %."""
    ends = np.full(counts.shape[1], NEVER)
    for end in range(LOOK, len(counts) + 1, LOOK):
        part = counts[end - LOOK : end]
        for start in range(0, counts.shape[1], CHUNK):
            runs = slice(start, start + CHUNK)
            high = _higher(_rate(part[:, runs]).T, _rate(part[:, runs], 0).T)
            ends[runs] = np.where(high & (ends[runs] == NEVER), end, ends[runs])
    return ends


RULES: Mapping[str, Rule] = {
    "fixed threshold (Flagger-like)": fixed_threshold,
    "failureLimit (Argo-like)": failure_limit,
    "z-test at each look": repeated_test,
    "Mann-Whitney (Kayenta-like)": mann_whitney,
}


def _rate(counts: Floats, arm: int = 2) -> Floats:
    return np.asarray(counts[..., arm + 1] / np.maximum(counts[..., arm], 1))


def _first(over: NDArray[np.bool_], step: int = 1) -> Ends:
    return np.where(over.any(axis=0), (over.argmax(axis=0) + 1) * step, NEVER)


def _higher(canary: Floats, stable: Floats) -> NDArray[np.bool_]:
    """Whether the first of two series is higher, (runs, LOOK) each: normal approximation, ties corrected."""
    m = canary.shape[1]
    pairs = canary[:, :, None] - stable[:, None, :]
    u = (pairs > 0).sum(axis=(1, 2)) + 0.5 * (pairs == 0).sum(axis=(1, 2))
    both = np.concatenate([canary, stable], axis=1)
    tied = (both[:, :, None] == both[:, None, :]).sum(axis=2)
    ties = (tied.astype(np.float64) ** 2 - 1).sum(axis=1)
    variance = m * m / 12 * (2 * m + 1 - ties / (2 * m * (2 * m - 1)))
    z = (u - m * m / 2) / np.sqrt(np.maximum(variance, 1e-9))
    by_much = canary.mean(axis=1) > TOLERANCE * stable.mean(axis=1)
    return np.asarray((z > KAYENTA_Z) & by_much)
