"""Sample-ratio mismatch: requests reach the canary at other odds than the route was set to.

Where they do, something decides who gets which version (a cache, retries, a crashing pod that sheds load),
and the arms cannot be compared. Tested at every look by the same kind of e-process, against both sides
(Lindon and Malek 2022, arXiv 2011.03567, for multinomial counts).
"""

from functools import lru_cache

import numpy as np

from timonel.canary.bernoulli import Floats, log_mean

ALPHA = 0.001
"""Probability of a false alarm in the whole run."""
FACTORS = np.array([1.1, 1.3, 2.0, 5.0])
"""What is bet on beyond the tolerated odds."""


def log_increment(stable: int, canary: int, weight: float, tolerance: float) -> Floats:
    """The log likelihood ratio of a block for each bet, (8,): more than was set, then fewer."""
    of_canary, of_all = _bets(weight, tolerance)
    return canary * of_canary + (stable + canary) * of_all


@lru_cache(maxsize=64)
def _bets(weight: float, tolerance: float) -> tuple[Floats, Floats]:
    """What a request of the canary adds, and what any request does."""
    odds = weight / (100 - weight)
    most, least = odds * (1 + tolerance), odds / (1 + tolerance)
    more = -np.log((1 + most * FACTORS) / (1 + most))
    fewer = -np.log((1 + least / FACTORS) / (1 + least))
    logs = np.log(FACTORS)
    return np.concatenate([logs, -logs]), np.concatenate([more, fewer])


def log_e(sums: Floats) -> float:
    """The log e-value against "the odds are those set, but for the tolerance"."""
    return float(log_mean(sums))
