"""The loss that a diagnosis divides among causes: the log-loss of bounded probabilities."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST = 1e-3
"""Probabilities are bounded to [LEAST, 1 - LEAST], so that no single row weighs more than 7."""


def bounded(chance: Floats) -> Floats:
    """Probabilities within the bounds; NaN stays."""
    return np.clip(chance, LEAST, 1 - LEAST)


def log_loss(outcome: Floats, chance: Floats) -> Floats:
    """Of each row, in nats."""
    p = bounded(chance)
    return np.asarray(-np.where(outcome > 0.5, np.log(p), np.log1p(-p)))


def entropy(chance: Floats) -> Floats:
    """The loss that each row is expected to have if the probability is right."""
    p = bounded(chance)
    return np.asarray(-(p * np.log(p) + (1 - p) * np.log1p(-p)))


def log_odds(chance: Floats) -> Floats:
    """Of bounded probabilities."""
    p = bounded(chance)
    return np.asarray(np.log(p / (1 - p)))


def logistic(logit: Floats) -> Floats:
    """The inverse of `log_odds`."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30))))


def shifted(chance: Floats, outcome: Floats, weight: Floats | None = None) -> float:
    """The constant that, added to the log-odds, makes the mean probability that of the outcomes."""
    logit = log_odds(chance)
    w = np.ones(len(logit)) if weight is None else weight
    aim = float(np.average(np.clip(outcome, 0, 1), weights=w))
    low, high = -15.0, 15.0
    for _ in range(50):
        middle = (low + high) / 2
        less = float(np.average(logistic(logit + middle), weights=w)) < aim
        low, high = (middle, high) if less else (low, middle)
    return (low + high) / 2
