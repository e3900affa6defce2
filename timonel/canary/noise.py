"""How much more the arms differ by chance than independent requests would: overdispersion, in the long run.

What counts is the noise that each arm has of its own. The standardised paired difference of the arms
z = (y_c / n_c - ratio y_s / n_s) / se leaves out what they share, such as daily cycles and incidents. Its
long-run variance is 1 where requests are independent; noise that lasts (a slow pod, a burst) adds up over
blocks and makes it larger. The excess grows with the requests of a block, so it is kept as the variance of
an arm's relative noise, from which each block's own overdispersion follows.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SCALES = (1, 2, 4, 8, 16, 32, 64)
"""Blocks that are added up to see whether noise lasts."""
LEAST_SUMS = 20
"""Scales with fewer independent sums than this say too little."""
PRIOR_BLOCKS = 10.0
PRIOR_PHI = 2.0
"""Without history: as if so many blocks had shown so much overdispersion before the first."""
LEAST_HISTORY = 60
"""Blocks from which a history can be learnt at all."""


def standardised(counts: Floats, p: Floats, ratio: Floats) -> tuple[Floats, Floats]:
    """z of each block and the relative sampling variance it was measured against, (..., streams).

    p is a rate known before; it steadies the block's own where there are few requests. Where an arm had no
    requests both are 0.
    """
    n_s, y_s, n_c, y_c = (counts[..., i] for i in range(4))
    both = (n_s > 0) & (n_c > 0)
    pooled = (y_s + y_c + 1.0) / (n_s + n_c + 1.0 / p)
    ones_s, ones_c = np.where(both, n_s, 1.0), np.where(both, n_c, 1.0)
    unit = 1 / ones_c + ratio**2 / ones_s
    spread = pooled * (1 - pooled) * unit
    z = (y_c / ones_c - ratio * y_s / ones_s) / np.sqrt(spread)
    relative = (1 - pooled) / pooled * unit / (1 + ratio**2)
    return np.where(both, z, 0.0), np.where(both, relative, 0.0)


def phi(noise: Floats, p: Floats, counts: Floats, ratio: Floats) -> Floats:
    """The overdispersion of a block of these sizes, at least 1, (..., streams)."""
    if not noise.any():
        return np.ones(counts.shape[:-1])
    n_s, n_c = np.maximum(counts[..., 0], 1.0), np.maximum(counts[..., 2], 1.0)
    unit = 1 / n_c + ratio**2 / n_s
    return np.asarray(1 + noise * p * (1 + ratio**2) / ((1 - p) * unit))


def from_history(z: Floats, relative: Floats) -> Floats:
    """The noise shown by a history of z, (blocks, ...), both arms being the champion's.

    The long-run variance is the largest variance of sums of 1 to 64 blocks over their number: noise with a
    memory of any shape shows at some scale. On clean traffic the largest of these estimates is a little above
    1, which costs as much time; a longer history costs less.
    """
    scales = [m for m in SCALES if m == 1 or len(z) >= m * LEAST_SUMS]
    centred = z - z.mean(axis=0)
    total = np.concatenate([np.zeros_like(z[:1]), np.cumsum(centred, axis=0)])
    found = [((total[m:] - total[:-m]) ** 2).mean(axis=0) / m / (1 - m / len(z)) for m in scales]
    excess = np.maximum(np.max(found, axis=0) - 1, 0.0)
    return np.asarray(excess * relative.mean(axis=0))


def on_the_way(seen: Floats) -> Floats:
    """The noise from the sums that `Counted.seen` keeps, cautious while they are few, (..., streams).

    Lag-1 autocorrelation tells how long noise lasts, its small-sample bias removed (Kendall 1954).
    """
    t = np.maximum(seen[..., 0], 1.0)
    mean = seen[..., 1] / t
    variance = np.maximum(seen[..., 2] / t - mean**2, 1e-9) * t / np.maximum(t - 1, 1)
    rho = (seen[..., 3] / np.maximum(t - 1, 1) - mean**2) / variance
    rho = np.clip(rho + (1 + 4 * rho) / t, 0.0, 0.95)
    found = np.maximum(variance * (1 + rho) / (1 - rho), 1.0)
    blended = (t * found + PRIOR_BLOCKS * PRIOR_PHI) / (t + PRIOR_BLOCKS)
    return np.asarray((blended - 1) * seen[..., 5] / t)
