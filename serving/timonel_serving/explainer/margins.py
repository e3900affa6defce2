"""Contributions that add up to the margin of a model: trees, linear models, linear models of words.

The margin is what the model computes before it becomes a probability: the log-odds of the positive
class or, for more than two classes, of each class against the geometric mean of all of them (raw
margins of several classes are defined only up to a shared constant; this fixes it). All are exact.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier

from timonel_serving.explainer.columns import Origins, by_column

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """How a margin is made up: `base` (n,) plus the sum of `parts` (n, parts) is `margin` (n,)."""

    base: Floats
    parts: Floats | sparse.csr_matrix
    margin: Floats


class Margins(Protocol):
    """Splits the margins of encoded rows."""

    @property
    def name(self) -> str:
        """The method, as a response names it."""

    def shares(self, encoded: Any, classes: NDArray[np.intp]) -> Shares:
        """Split the margin of each row's class in `classes` (ignored for two classes)."""


class TreeMargins:
    """Interventional TreeSHAP against background rows."""

    name = "tree-shap"

    def __init__(
        self, model: HistGradientBoostingClassifier, background: Any, sources: Origins, width: int
    ) -> None:
        import shap  # half of the time that an explainer takes to start

        self._model, self._sources, self._width = model, sources, width
        self._explainer = shap.TreeExplainer(
            model, _dense(background), feature_perturbation="interventional"
        )

    def shares(self, encoded: Any, classes: NDArray[np.intp]) -> Shares:
        """Split the margin of each row's class."""
        x = _dense(encoded)
        values = np.asarray(self._explainer.shap_values(x, check_additivity=False))
        base = np.atleast_1d(np.asarray(self._explainer.expected_value, dtype=np.float64))
        parts = by_column(values, self._sources, self._width)
        return _of_class(base, parts, self._model.decision_function(x), classes)


class LinearMargins:
    """Coefficient times distance from the background's mean: SHAP of independent columns."""

    name = "linear-shap"

    def __init__(self, model: BaseEstimator, background: Any, sources: Origins, width: int) -> None:
        self._model, self._sources, self._width = model, sources, width
        self._mean = _dense(background).mean(axis=0)
        self._coefficients = np.asarray(model.coef_, dtype=np.float64).T
        self._base = (
            np.asarray(model.intercept_, dtype=np.float64) + self._mean @ self._coefficients
        )

    def shares(self, encoded: Any, classes: NDArray[np.intp]) -> Shares:
        """Split the margin of each row's class."""
        x = _dense(encoded)
        values = (x - self._mean)[:, :, None] * self._coefficients
        parts = by_column(values, self._sources, self._width)
        parts = parts[:, :, 0] if len(self._base) == 1 else parts
        return _of_class(self._base, parts, self._model.decision_function(x), classes)


class TermMargins:
    """Coefficient times tf-idf weight, term by term, against an empty text."""

    name = "linear-terms"

    def __init__(self, model: BaseEstimator) -> None:
        self._model = model
        self._coefficients = np.asarray(model.coef_, dtype=np.float64)
        self._intercept = np.asarray(model.intercept_, dtype=np.float64)
        if len(self._coefficients) > 1:
            self._coefficients = self._coefficients - self._coefficients.mean(axis=0)
            self._intercept = self._intercept - self._intercept.mean()

    def shares(self, encoded: Any, classes: NDArray[np.intp]) -> Shares:
        """Split the margin of each row's class."""
        chosen = classes if len(self._coefficients) > 1 else np.zeros(len(classes), dtype=np.intp)
        parts = sparse.csr_matrix(encoded, dtype=np.float64)
        row_of = np.repeat(np.arange(len(chosen)), np.diff(parts.indptr))
        parts.data = parts.data * self._coefficients[chosen[row_of], parts.indices]
        margin = _centred(np.asarray(self._model.decision_function(encoded)))
        return Shares(self._intercept[chosen], parts, margin[np.arange(len(chosen)), chosen])


def _of_class(base: Floats, parts: Floats, margin: Any, classes: NDArray[np.intp]) -> Shares:
    """Choose each row's class from (n, columns, classes)."""
    margin = _centred(np.asarray(margin, dtype=np.float64))
    if parts.ndim == 2:
        return Shares(np.full(len(parts), base[0]), parts, margin[:, 0])
    rows = np.arange(len(parts))
    centred = parts - parts.mean(axis=2, keepdims=True)
    return Shares((base - base.mean())[classes], centred[rows, :, classes], margin[rows, classes])


def _centred(margin: Floats) -> Floats:
    if margin.ndim == 1:
        return margin[:, None]
    centred: Floats = margin - margin.mean(axis=1, keepdims=True)
    return centred


def _dense(encoded: Any) -> Floats:
    return np.asarray(encoded.toarray() if sparse.issparse(encoded) else encoded, dtype=np.float64)
