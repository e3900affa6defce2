"""From scores to probabilities: isotonic or Platt calibration, and how uncertain it is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ISOTONIC_ROWS = 1000
ISOTONIC_OF_EACH = 50
"""With fewer rows, or fewer of either class, the two parameters of Platt's method are all that they bear."""

GROUPS = 256
ROWS_A_GROUP = 20
_GRID = np.linspace(0.0, 1.0, 101)
_LEAST_SCORE = 1e-6


@dataclass(frozen=True)
class Calibrator:
    """A calibration map, piecewise linear between knots, and bootstrap replicates of it."""

    method: str
    knots: Floats
    """(k,) scores, ascending."""
    values: Floats
    """(k,) probabilities."""
    replicates: Floats
    """(b, k): the probabilities that resampled references gave."""

    def __call__(self, score: Floats) -> Floats:
        """The probability of each score; beyond the reference's scores that of the nearest."""
        result: Floats = np.interp(score, self.knots, self.values)
        return result

    def replicate(self, b: int, score: Floats) -> Floats:
        """As `__call__`, by the b-th resampled reference."""
        result: Floats = np.interp(score, self.knots, self.replicates[b])
        return result

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "method": self.method,
            "knots": self.knots.tolist(),
            "values": self.values.tolist(),
            "replicates": self.replicates.tolist(),
        }

    @classmethod
    def from_dict(cls, saved: dict[str, object]) -> "Calibrator":
        """The inverse of `to_dict`."""
        arrays = (np.array(saved[k], dtype=np.float64) for k in ("knots", "values", "replicates"))
        return cls(str(saved["method"]), *arrays)


def fit_calibrator(
    score: Floats, outcome: NDArray[np.bool_], rng: np.random.Generator, bootstraps: int
) -> Calibrator:
    """Isotonic where the rows bear it, Platt's method otherwise.

    Rows are first grouped by score (up to 256 groups of equal size), so that a replicate resamples counts and
    not rows: the same bootstrap, at a cost that does not grow with the rows.
    """
    x, n, k = _grouped(score, outcome)
    of_each = min(int(outcome.sum()), int((~outcome).sum()))
    if len(score) >= ISOTONIC_ROWS and of_each >= ISOTONIC_OF_EACH:
        values = _never_certain(isotonic(k / n, n), n)
        resampled = [
            _never_certain(isotonic(_rate(kb, nb, values), nb), nb)
            for nb, kb in _resample(n, k, rng, bootstraps)
        ]
        return Calibrator("isotonic", x, values, np.array(resampled))
    knots = np.union1d(x, _GRID)
    platts = [platt(x, nb, kb)(knots) for nb, kb in _resample(n, k, rng, bootstraps)]
    return Calibrator("platt", knots, platt(x, n, k)(knots), np.array(platts))


def isotonic(rate: Floats, weight: Floats) -> Floats:
    """The nearest non-decreasing sequence in weighted least squares, by pooling adjacent violators.

    References:
        M. Ayer et al.: An empirical distribution function for sampling with incomplete information.
        Annals of Mathematical Statistics 26(4), 1955.
    """
    means: list[float] = []
    weights: list[float] = []
    sizes: list[int] = []
    for mean, w in zip(rate.tolist(), weight.tolist(), strict=True):
        size = 1
        while means and means[-1] >= mean:
            total = weights[-1] + w
            mean = (means.pop() * weights.pop() + mean * w) / total
            w, size = total, size + sizes.pop()
        means.append(mean)
        weights.append(w)
        sizes.append(size)
    return np.repeat(np.array(means), sizes)


@dataclass(frozen=True)
class Platt:
    """A logistic curve over the log-odds of the score."""

    offset: float
    slope: float

    def __call__(self, score: Floats) -> Floats:
        """The probability of each score."""
        return _logistic(self.offset + self.slope * _log_odds(score))


def platt(score: Floats, n: Floats, positives: Floats) -> Platt:
    """Fit the curve by Newton's method to counts, with Platt's prior against certainty.

    References:
        J. Platt: Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers,
        1999, section 2.1 (the targets). H.-T. Lin, C.-J. Lin, R. C. Weng: A note on Platt's probabilistic
        outputs for support vector machines. Machine Learning 68, 2007 (Newton's method).
    """
    p, q = positives.sum(), (n - positives).sum()
    high, low = (p + 1) / (p + 2), 1 / (q + 2)
    aim = positives * high + (n - positives) * low
    design = np.stack([np.ones_like(score), _log_odds(score)], axis=1)
    theta = np.array([np.log((p + 1) / (q + 1)), 0.0])
    for _ in range(50):
        guess = _logistic(design @ theta)
        gradient = design.T @ (aim - n * guess)
        hessian = (design.T * (n * guess * (1 - guess))) @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        theta = theta + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return Platt(float(theta[0]), float(theta[1]))


def _grouped(score: Floats, outcome: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Mean score, rows and positives of groups of about equal size; equal scores stay together."""
    unique, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    groups = max(2, min(GROUPS, len(score) // ROWS_A_GROUP))
    middle = np.cumsum(counts) - counts / 2
    group = np.unique((middle * groups / len(score)).astype(int), return_inverse=True)[1]
    n = np.bincount(group, counts).astype(np.float64)
    positives = np.bincount(inverse, outcome).astype(np.float64)
    x: Floats = np.bincount(group, unique * counts) / n
    return x, n, np.bincount(group, positives).astype(np.float64)


def _resample(
    n: Floats, k: Floats, rng: np.random.Generator, times: int
) -> list[tuple[Floats, Floats]]:
    total = int(n.sum())
    cells = np.concatenate([k, n - k]) / total
    drawn = rng.multinomial(total, cells, size=times).astype(np.float64)
    positive, negative = drawn[:, : len(n)], drawn[:, len(n) :]
    # an empty group keeps a weight that only serves to divide by
    return [(np.maximum(a + b, 1e-9), a) for a, b in zip(positive, negative, strict=True)]


def _never_certain(values: Floats, n: Floats) -> Floats:
    """Where all rows of a block have one outcome, the other is given half a row (Jeffreys)."""
    none, all_ = values <= 0, values >= 1
    inside = np.where(none, 0.5 / (n[none].sum() + 1), values)
    return np.where(all_, 1 - 0.5 / (n[all_].sum() + 1), inside)


def _rate(k: Floats, n: Floats, otherwise: Floats) -> Floats:
    return np.where(n >= 1, k / n, otherwise)


def _log_odds(score: Floats) -> Floats:
    inside = np.clip(score, _LEAST_SCORE, 1 - _LEAST_SCORE)
    result: Floats = np.log(inside / (1 - inside))
    return result


def _logistic(x: Floats) -> Floats:
    result: Floats = 1 / (1 + np.exp(-np.clip(x, -500, 500)))
    return result
