"""The words that a text model looks at."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV

from timonel_components.evaluation.result import Explanation, Importance
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.learning.scoring import model_input
from timonel_components.metrics.figures import metric
from timonel_components.metrics.scored import Floats, Scored

ROWS = 1_000
WORDS = 20
REPEATS = 3
SHOWN_EFFECTS = 200


def explain_words(model: Fitted, sample: Sample, seed: int) -> Explanation:
    """The words with the greatest SHAP values; each is then shuffled between the texts.

    The SHAP value of a linear model is the coefficient times the distance from the mean.
    """
    some = sample.take(np.linspace(0, len(sample) - 1, min(ROWS, len(sample))).astype(np.int64))
    vectorizer, estimator = model.pipeline[0], model.pipeline[-1]
    x = sparse.csc_matrix(vectorizer.transform(model_input(some.batch, model.contract)))
    coefficients = _coefficients(estimator)
    size = _sizes(x, coefficients)
    top = np.argsort(-size, kind="stable")[:WORDS]
    names = vectorizer.get_feature_names_out()
    words = [
        _word(int(j), str(names[j]), float(size[j]), x, coefficients, some, model, seed)
        for j in top
    ]
    return Explanation(
        importances=tuple(words),
        method=f"The {len(top)} words with the greatest mean absolute SHAP value (linear model),"
        f" each shuffled {REPEATS} times between {len(some):,} texts.",
    )


def _word(
    j: int,
    name: str,
    size: float,
    x: Any,
    coefficients: Floats,
    some: Sample,
    model: Fitted,
    seed: int,
) -> Importance:
    drops = _drops(j, x, some, model, seed)
    weight = x[:, j].toarray()[:, 0]
    shown = slice(0, SHOWN_EFFECTS) if len(coefficients) == 1 else slice(0, 0)
    moved = coefficients[0, j] * (weight - weight.mean())
    top = weight.max() or 1.0
    return Importance(
        feature=name,
        permutation=float(drops.mean()),
        low=float(drops.min()),
        high=float(drops.max()),
        shap=size,
        effects=tuple(float(v) for v in moved[shown].round(5)),
        levels=tuple(float(v) for v in (weight[shown] / top).round(3)),
    )


def _coefficients(estimator: Any) -> Floats:
    """(outputs, words): one output for two classes."""
    if isinstance(estimator, CalibratedClassifierCV):
        parts = [c.estimator.coef_ for c in estimator.calibrated_classifiers_]
        return np.asarray(np.mean(parts, axis=0))
    return np.asarray(estimator.coef_)


def _sizes(x: Any, coefficients: Floats) -> Floats:
    """Mean absolute SHAP value of each word, without making the matrix dense."""
    n = x.shape[0]
    mean = np.asarray(x.mean(axis=0))[0]
    present = np.diff(x.indptr)
    column = np.repeat(np.arange(x.shape[1]), present)
    away = np.bincount(column, weights=np.abs(x.data - mean[column]), minlength=x.shape[1])
    spread = (away + (n - present) * mean) / n
    size: Floats = np.abs(coefficients).mean(axis=0) * spread
    return size


def _drops(j: int, x: Any, some: Sample, model: Fitted, seed: int) -> Floats:
    """The rise of log loss when a word's weights are shuffled between the texts."""
    rng = np.random.default_rng(seed)
    before = _log_loss(x, some, model)
    rises = []
    for _ in range(REPEATS):
        shuffled = x[:, j][rng.permutation(x.shape[0])]
        spoilt = sparse.hstack([x[:, :j], shuffled, x[:, j + 1 :]], format="csr")
        rises.append(_log_loss(spoilt, some, model) - before)
    return np.array(rises)


def _log_loss(x: Any, some: Sample, model: Fitted) -> float:
    p = model.aligned(model.pipeline[-1].predict_proba(x))
    return metric("log_loss").of(Scored(some.y, p))
