"""Labels that are wrong at random, against a logistic curve over the score."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.loss import Floats, log_loss, log_odds, logistic
from timonel.diagnosis.resampling import clear
from timonel.diagnosis.sample import Sample

RATES = np.concatenate([np.arange(0, 0.05, 0.005), np.arange(0.05, 0.46, 0.01)])
"""Of either class: the shares of wrong labels that are tried."""


@dataclass(frozen=True, eq=False)
class Noise:
    """Labels that are wrong at random: the best rates, and how well they fit beside a logistic curve."""

    false_positive: float
    """The share of true negatives that are labelled positive."""
    false_negative: float
    better: float
    """Mean log-loss that it saves over the logistic curve; negative: the curve fits better."""
    z: float
    fitted: Floats
    """The chance of each current row to be labelled positive."""


def noise_of(sample: Sample, chance: Floats) -> Noise:
    """Fit P(label | chance) = f + (1 - f - m) chance, and a logistic curve of as many parameters."""
    keep = sample.keep
    q, outcome = chance[keep], sample.sides.current.outcome[keep]
    groups = np.unique(_groups(q), return_inverse=True)[1]
    n = np.bincount(groups)
    mean, hits = np.bincount(groups, q) / n, np.bincount(groups, outcome)
    f, m = np.meshgrid(RATES, RATES, indexing="ij")
    p = f[..., None] + (1 - f - m)[..., None] * mean
    p = np.clip(p, 1e-4, 1 - 1e-4)
    fit = -(hits * np.log(p) + (n - hits) * np.log1p(-p)).sum(axis=-1)
    i, j = np.unravel_index(int(fit.argmin()), fit.shape)
    flipped = f[i, j] + (1 - f[i, j] - m[i, j]) * chance
    curve = _curve(q, outcome, chance)
    saved = log_loss(sample.sides.current.outcome, curve) - log_loss(
        sample.sides.current.outcome, flipped
    )
    gained = sample.actual(saved)
    return Noise(float(f[i, j]), float(m[i, j]), float(gained[0]), clear(gained), flipped)


def _groups(q: Floats) -> NDArray[np.int64]:
    return np.searchsorted(np.quantile(q, np.linspace(0, 1, 101)[1:-1]), q).astype(np.int64)


def _curve(q: Floats, outcome: Floats, chance: Floats) -> Floats:
    """The logistic regression of outcomes on log-odds, by Newton's method."""
    x = np.stack([np.ones(len(q)), log_odds(q)], axis=1)
    theta = np.array([0.0, 1.0])
    for _ in range(25):
        p = logistic(x @ theta)
        hessian = (x.T * (p * (1 - p))) @ x + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, x.T @ (outcome - p))
        theta = theta + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-9))
        if np.abs(step).max() < 1e-8:
            break
    return logistic(theta[0] + theta[1] * log_odds(chance))
