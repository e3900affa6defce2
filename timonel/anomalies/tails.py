"""How improbable a healthy window is that far off: tails of two distributions, without SciPy."""

import math

import numpy as np

LARGEST = 100_000
"""More rows are judged as this many: noise is far below every gate, and it errs towards silence."""


def beta_binomial_sf(k: int, n: int, a: float, b: float) -> float:
    """P(K >= k) for K of n with a rate drawn from Beta(a, b).

    Sums whichever side of k is away from the mode, so that small tails keep their digits.
    """
    if k <= 0:
        return 1.0
    if k > n:
        return 0.0
    if k > n * a / (a + b):
        return min(1.0, _tail(k, n, a, b))
    return max(0.0, 1.0 - _tail(n - k + 1, n, b, a))


def beta_binomial_limit(n: int, a: float, b: float, level: float) -> int:
    """The least k for which P(K >= k) <= level; n + 1 where there is none."""
    low, high = 0, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if beta_binomial_sf(middle, n, a, b) <= level else (middle, high)
    return high


def _tail(k: int, n: int, a: float, b: float) -> float:
    """P(K >= k) from the probability of k and the ratios of its successors (falling, k above the mean)."""
    j = np.arange(k, n, dtype=np.float64)
    ratios = (n - j) * (a + j) / ((j + 1) * (b + n - j - 1))
    return math.exp(_log_probability(k, n, a, b)) * (1.0 + float(np.cumprod(ratios).sum()))


def _log_probability(k: int, n: int, a: float, b: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return ways + _log_beta(k + a, n - k + b) - _log_beta(a, b)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def student_sf(t: float, freedom: int) -> float:
    """P(T >= t) for Student's t with a whole number of degrees of freedom.

    Source: Abramowitz and Stegun, 26.7.3 and 26.7.4; exact, to about 1e-15 absolute.
    """
    angle = math.atan(t / math.sqrt(freedom))
    s, c = math.sin(angle), math.cos(angle)
    if freedom % 2:
        terms, term = 0.0, c
        for i in range(1, freedom // 2 + 1):
            terms += term
            term *= c * c * (2 * i) / (2 * i + 1)
        central = 2 / math.pi * (angle + s * terms)
    else:
        terms, term = 0.0, 1.0
        for i in range(1, freedom // 2 + 1):
            terms += term
            term *= c * c * (2 * i - 1) / (2 * i)
        central = s * terms
    return min(1.0, max(0.0, (1 - central) / 2))


def student_limit(level: float, freedom: int) -> float:
    """The t for which P(T >= t) = level, for a level below 1/2."""
    low, high = 0.0, 1.0
    while student_sf(high, freedom) > level and high < 1e6:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if student_sf(middle, freedom) > level else (low, middle)
    return high
