"""Evidence from labelled rows that both versions scored: far more than from rows that only one did.

A row counts +1 where the canary alone was wrong, -1 where the champion alone was, 0 otherwise.
"""

import math
from dataclasses import dataclass

import numpy as np

from timonel.canary.block import Paired

STAKES = np.array([0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8])
"""What is bet on each row, as parts of the largest stake that cannot lose all."""


@dataclass(frozen=True)
class PairedSums:
    """All rows so far."""

    n: int = 0
    only_canary: int = 0
    only_stable: int = 0

    def plus(self, more: Paired) -> "PairedSums":
        """With the rows of a block."""
        return PairedSums(
            self.n + more.n,
            self.only_canary + more.only_canary,
            self.only_stable + more.only_stable,
        )


def log_harm(sums: PairedSums, margin: float) -> float:
    """The log e-value against "the canary is wrong at most `margin` more often".

    For margin 0 the mixture over all worse canaries, of K rows where one version alone was wrong, s of them
    the canary: E = 2^(K+1) B(s+1, K-s+1) (1 - I_1/2(s+1, K-s+1)), which is 2 * integral over theta in
    [1/2, 1] of (2 theta)^s (2 (1 - theta))^(K-s). As 1 - I_1/2 is the chance of at most s heads in K + 1,
    it is the sum of C(K+1, 0..s) over (K+1) C(K, s).

    >>> round(math.exp(log_harm(PairedSums(100, 8, 0), 0.0)), 2)
    56.78
    """
    if margin > 0:
        return _bet(sums.only_canary, sums.only_stable, sums.n, margin)
    k, s = sums.only_canary + sums.only_stable, sums.only_canary
    i = np.arange(1, s + 1, dtype=np.float64)
    log_binomials = np.concatenate([[0.0], np.cumsum(np.log((k + 2 - i) / i))])
    top = log_binomials.max()
    heads = float(top + np.log(np.exp(log_binomials - top).sum()))
    choose = math.lgamma(k + 1) - math.lgamma(s + 1) - math.lgamma(k - s + 1)
    return heads - math.log(k + 1) - choose


def log_safe(sums: PairedSums, margin: float) -> float:
    """The log e-value against "the canary is wrong at least `margin` more often"."""
    return _bet(sums.only_stable, sums.only_canary, sums.n, -margin)


def _bet(up: int, down: int, n: int, mean: float) -> float:
    """Against a mean of at most `mean` of rows that are +1, -1 or 0: the product of 1 + stake (row - mean).

    Averaged over stakes, so that what the rows were is not needed in their order.
    """
    stake = STAKES / (1 + mean)
    logs = (
        up * np.log1p(stake * (1 - mean))
        + down * np.log1p(-stake * (1 + mean))
        + (n - up - down) * np.log1p(-stake * mean)
    )
    top = logs.max()
    return float(top + np.log(np.exp(logs - top).mean()))
