"""P-values of the two-sample Kolmogorov-Smirnov statistic, vectorised over features.

The statistic D of samples of n and m values is referred to

- its exact distribution where that is cheap: by the reflection principle for n = m, by counting lattice
  paths for n m <= 10,000. Ties make it conservative, never liberal;
- else the distribution of the one-sample statistic at nm/(n+m) rows, as SciPy's
  `ks_2samp(method="asymp")` and Alibi Detect have it.

References:
    Pelz & Good (1976), Approximating the lower tail-areas of the Kolmogorov-Smirnov one-sample
    statistic, J. R. Stat. Soc. B 38(2), section 2.
    Birnbaum & Tingey (1951), One-sided confidence contours, Ann. Math. Stat. 22(4), formula 3.0.
    Hodges (1958), The significance probability of the Smirnov two-sample test, Ark. Mat. 3, sections 2-3.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EXACT_PAIRS = 10_000
"""Up to this many pairs of rows, n times m, lattice paths are counted."""
EXACT_EQUAL = 2_000
"""Up to this many rows each, samples of equal size have their exact p-value."""
_TAIL = 1.55
"""From sqrt(n) d = 1.55 on (p about .016) twice the one-sided tail is exact to seven digits."""
_TRUSTED = 1e-9
"""Below this 1 - P(inside) has lost its digits: the asymptotic tail takes over."""
_H = (math.pi * np.arange(1.0, 15.0, 2.0)) ** 2 / 4
_G = (math.pi * np.arange(1.0, 8.0)) ** 2
_RATES = -np.concatenate([_H, _G]) / 2
_SERIES = np.zeros((14, 7))
"""From the terms exp(-h/2z2) and exp(-g/2z2) to the sums with weights 1, h, h2, h3 and 1, g, g2."""
_SERIES[:7, :4] = np.vander(_H, 4, increasing=True)
_SERIES[7:, 4:] = np.vander(_G, 3, increasing=True)


def _weights() -> Floats:
    """Pelz and Good's K0 to K3: polynomials in z2 (five powers) before each of the seven sums."""
    k = np.zeros((4, 7, 5))
    k[0, 0] = [1, 0, 0, 0, 0]
    k[1, 0], k[1, 1] = np.array([[0, -1, 0, 0, 0], [1, 0, 0, 0, 0]]) / 6
    k[2, 0], k[2, 1] = np.array([[0, 0, 2, 6, 0], [0, -5, 2, 0, 0]]) / 72
    k[2, 2], k[2, 5] = np.array([[1, -2, 0, 0, 0], [0, 0, -2, 0, 0]]) / 72
    k[3, 0], k[3, 1] = np.array([[0, 0, 0, -30, -90], [0, 0, 135, -96, 0]]) / 6480
    k[3, 2], k[3, 3] = np.array([[0, -60, 212, 0, 0], [5, -30, 0, 0, 0]]) / 6480
    k[3, 5], k[3, 6] = np.array([[0, 0, 0, 90, 0], [0, 0, -30, 0, 0]]) / 6480
    return k.reshape(28, 5).T


_WEIGHTS = _weights()


def ks_p_values(d: Floats, n: NDArray[np.int64], m: NDArray[np.int64]) -> Floats:
    """P(D >= d) when both samples come from one distribution; n and m are the rows of each."""
    p = kolmogorov_sf(d, np.round(n * (m / (n + m))))
    exact = ((n == m) & (n <= EXACT_EQUAL)) | (n * m <= EXACT_PAIRS)
    for i in np.flatnonzero(exact):
        value = ks_exact(float(d[i]), int(n[i]), int(m[i]))
        p[i] = value if value > _TRUSTED else p[i]
    return p


def kolmogorov_sf(d: Floats, n: Floats) -> Floats:
    """P(D_n >= d) of the one-sample statistic of n >= 1 values, two-sided."""
    z = np.sqrt(n) * d
    p = np.ones_like(z)
    body = (z > 0.2) & (z < _TAIL)
    if body.any():
        p[body] = 1.0 - _pelz_good(z[body], n[body])
    for i in np.flatnonzero(z >= _TAIL):
        p[i] = 2.0 * one_sided_sf(float(d[i]), int(n[i]))
    return np.clip(p, 0.0, 1.0)


def _pelz_good(z: Floats, n: Floats) -> Floats:
    """P(sqrt(n) D_n < z) to order n**-1.5, in the form whose series converges fast for small z."""
    z2 = z * z
    series = np.exp(_RATES / z2[:, None]) @ _SERIES
    powers = z2[:, None] ** np.arange(5.0)
    orders = ((powers @ _WEIGHTS).reshape(-1, 4, 7) * series[:, None, :]).sum(2)
    orders /= z[:, None] ** np.array([1.0, 4.0, 7.0, 10.0])
    orders *= n[:, None] ** np.array([0.0, -0.5, -1.0, -1.5])
    return np.asarray(math.sqrt(2 * math.pi) * orders.sum(1))


def one_sided_sf(d: float, n: int) -> float:
    """P(D_n+ >= d): exact up to 100,000 values, beyond that the limit with its first correction."""
    if d >= 1.0:
        return 0.0
    if n > 100_000:
        return math.exp(-((6 * n * d + 1) ** 2) / (18 * n))
    j = np.arange(0.0, math.floor(n * (1 - d) + 1e-12) + 1)
    steps = np.log((n - j[:-1]) / (j[:-1] + 1))
    choose = np.concatenate([[0.0], np.cumsum(steps)])
    rest = np.maximum(1 - d - j / n, 0.0)
    with np.errstate(divide="ignore"):
        terms = choose + (j - 1) * np.log(d + j / n) + (n - j) * np.log(rest)
    return float(d * np.exp(terms).sum())


def ks_exact(d: float, n: int, m: int) -> float:
    """P(D >= d) over all orders of n and m values, each equally likely."""
    lcm = n // math.gcd(n, m) * m
    reach = round(d * lcm)
    if reach == 0:
        return 1.0
    return _equal_sizes(reach, n) if n == m else _outside(reach, *sorted((n, m)))


def _equal_sizes(reach: int, n: int) -> float:
    """Gnedenko and Korolyuk: 2 sum_k (-1)**(k+1) C(2n, n - k reach) / C(2n, n)."""
    i = np.arange(n)
    log_ratio = np.concatenate([[0.0], np.cumsum(np.log((n - i) / (n + i + 1)))])
    k = np.arange(reach, n + 1, reach)
    signs = np.where(np.arange(len(k)) % 2 == 0, 1.0, -1.0)
    return float(min(1.0, 2.0 * (signs * np.exp(log_ratio[k])).sum()))


def _outside(reach: int, n: int, m: int) -> float:
    """The share of lattice paths from (0, 0) to (n, m) that leave |x/n - y/m| < reach/lcm, n < m."""
    g = math.gcd(n, m)
    up, right = n // g, m // g
    paths, log_scale = np.zeros(m + 1), 0.0
    paths[0] = 1.0
    for x in range(n + 1):
        low = max((x * right - reach) // up + 1, 0)
        high = min(-((-x * right - reach) // up) - 1, m)
        if low > high:
            return 1.0
        paths[:low] = 0.0
        paths[low : high + 1] = np.cumsum(paths[low : high + 1])
        top = paths.max()
        if top == 0.0:
            return 1.0
        paths /= top
        log_scale += math.log(top)
    if paths[m] == 0.0:
        return 1.0
    total = math.lgamma(n + m + 1) - math.lgamma(n + 1) - math.lgamma(m + 1)
    return float(min(1.0, max(0.0, -math.expm1(math.log(paths[m]) + log_scale - total))))
