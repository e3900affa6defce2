"""SHAP values of the pipelines that Timonel trains, one column a feature.

Tree ensembles are explained exactly by `shap.TreeExplainer`, linear models exactly by
`shap.LinearExplainer`; the columns that encode one category are summed. Calibration is monotone and
changes no order: a calibrated model is explained by the mean over the models it calibrates.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shap
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression

from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.learning.scoring import model_input
from timonel_components.metrics.scored import Floats


@dataclass(frozen=True)
class Effects:
    """SHAP values in log odds."""

    size: Floats
    """Mean absolute value of each feature."""
    signed: Floats | None
    """(rows, features), for two classes."""
    method: str


def effects(model: Fitted, rows: Sample) -> Effects:
    """The effect of each feature, in the order in which the model takes them."""
    columns, estimator = model.pipeline[:-1], model.pipeline[-1]
    x = columns.transform(model_input(rows.batch, model.contract))
    dense = np.asarray(x.toarray() if hasattr(x, "toarray") else x, dtype=np.float64)
    values = _values(estimator, dense) @ _owners(model.pipeline[0], dense.shape[1], model)
    size = np.abs(values).mean(axis=(0, 1))
    signed = values[0] if len(values) == 1 else None
    return Effects(size, signed, _method(estimator))


def _values(estimator: Any, x: Floats) -> Floats:
    """SHAP values as (outputs, rows, columns): one output for two classes."""
    if isinstance(estimator, CalibratedClassifierCV):
        parts = [_values(c.estimator, x) for c in estimator.calibrated_classifiers_]
        return np.asarray(np.mean(parts, axis=0))
    if isinstance(estimator, LogisticRegression):
        found = shap.LinearExplainer(estimator, x).shap_values(x)
    else:
        found = shap.TreeExplainer(estimator).shap_values(x)
    values = np.asarray(found)
    return values[None] if values.ndim == 2 else np.moveaxis(values, -1, 0)


def _owners(transformer: Any, width: int, model: Fitted) -> Floats:
    """Which feature each encoded column belongs to, as a (columns, features) matrix of ones."""
    contract = model.contract
    counts = [1] * len(contract.numeric)
    if contract.categorical:
        encoder = transformer.named_transformers_["categorical"]
        one_hot = width != len(contract.features)
        counts += [len(c) if one_hot else 1 for c in encoder.categories_]
    return np.asarray(np.repeat(np.eye(len(counts)), counts, axis=0))


def _method(estimator: Any) -> str:
    if isinstance(estimator, CalibratedClassifierCV):
        return "SHAP values of the trees before calibration (TreeExplainer)"
    if isinstance(estimator, LogisticRegression):
        return "SHAP values of the linear model (LinearExplainer)"
    return "SHAP values of the trees (TreeExplainer)"
