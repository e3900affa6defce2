"""Exact limits of a rate from counts."""

import math

_TOLERANCE = 1e-12


def upper_limit(errors: int, n: int, confidence: float) -> float:
    """The Clopper-Pearson upper limit: at or above the true rate with at least this probability.

    It is the rate at which `errors` or fewer of n have probability 1 - confidence; 1 if all are errors.
    """
    if errors >= n:
        return 1.0
    low, high = errors / n, 1.0
    while high - low > _TOLERANCE * high:
        middle = (low + high) / 2
        if probability_at_most(errors, n, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def probability_at_most(k: int, n: int, p: float) -> float:
    """P(X <= k) of a binomial with n trials of rate p, for 0 < p < 1 and k < n."""
    log_p, log_q = math.log(p), math.log1p(-p)
    logs = [_log_choose(n, j) + j * log_p + (n - j) * log_q for j in range(k + 1)]
    top = max(logs)
    return math.exp(top) * math.fsum(math.exp(x - top) for x in logs)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
