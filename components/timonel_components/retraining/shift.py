"""Moves a fitted classifier's log odds so that its probabilities have the shares of classes of recent rows.

Where the classes' shares have moved and p(x | y) has not, the right probabilities are the old ones times a
weight for each class, normalised (Saerens, Latinne and Decaestecker 2002): a shift of the log odds by a
constant. The weights are those of greatest likelihood on labelled rows, under which the mean
probabilities are the shares of the labels. Nothing else of the model changes, hence no order of scores does.
"""

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from timonel.contract import DataContract, FeatureBatch
from timonel.errors import BadInput
from timonel_components.learning.scoring import probabilities

Floats = NDArray[np.float64]

TOLERANCE = 1e-4
"""How far a mean probability may be from the share of its class."""
ROUNDS = 20


def recalibrated(
    pipeline: Pipeline, contract: DataContract, rows: FeatureBatch, shares: Floats
) -> tuple[Pipeline, Floats]:
    """A copy whose mean probabilities on the rows are `shares`, and the log weights (classes,)."""
    total = np.zeros(len(shares))
    model = copy.deepcopy(pipeline)
    if len(model.classes_) != len(shares):
        raise BadInput("the model never learnt all classes: it cannot be recalibrated")
    for _ in range(ROUNDS):
        p = np.asarray(probabilities(model, rows, contract), np.float64)
        if np.abs(p.mean(axis=0) - shares).max() < TOLERANCE:
            return model, total - total[0]
        step = log_weights(p, shares)
        _shift(model[-1], step)
        total += step
    raise BadInput("the model's probabilities cannot be moved to the shares of the recent labels")


def log_weights(p: Floats, shares: Floats) -> Floats:
    """Log weights under which the mean of the weighted probabilities (n, classes) is `shares`.

    By iterative scaling: each round multiplies a class's weight by what its mean lacks.
    """
    weights = np.zeros(p.shape[1])
    p = np.clip(p, 1e-12, 1.0)
    for _ in range(500):
        moved = p * np.exp(weights)
        step = np.log(shares / (moved / moved.sum(axis=1, keepdims=True)).mean(axis=0))
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    found: Floats = weights - weights[0]
    return found


def _shift(estimator: Any, step: Floats) -> None:
    """Add to the log odds of each class, in place."""
    odds = step[1:] - step[0] if len(step) == 2 else step
    if isinstance(estimator, LogisticRegression):
        estimator.intercept_ = estimator.intercept_ + odds
    elif isinstance(estimator, HistGradientBoostingClassifier):
        base = estimator._baseline_prediction
        estimator._baseline_prediction = (base + odds).astype(base.dtype)
    elif isinstance(estimator, CalibratedClassifierCV):
        for fold in estimator.calibrated_classifiers_:
            for calibrator, add in zip(fold.calibrators, odds, strict=True):
                calibrator.b_ = calibrator.b_ - add  # the sigmoid is 1 / (1 + exp(a f + b))
    else:
        raise BadInput(f"a {type(estimator).__name__} cannot be recalibrated without a training")
