"""Chooses how a model is explained: exactly where its structure allows it, else by sampling."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from timonel.config import Task
from timonel.contract import DataContract
from timonel_serving.explainer.columns import origins
from timonel_serving.explainer.exact import Calibrated, CalibratedMethod, MarginMethod
from timonel_serving.explainer.explanation import Explanation, Method
from timonel_serving.explainer.margins import LinearMargins, Margins, TermMargins, TreeMargins
from timonel_serving.explainer.sampled import SampledColumns, SampledWords

TOLERANCE = 1e-6
"""By how much the parts of an exact explanation may miss the score, relative to a score above 1."""
TRIED = 20
"""Background rows that an exact method must explain before it is trusted."""
LINEAR = LogisticRegression | LinearSVC

Split = Callable[[Any], Margins | None]
"""How an estimator's margin is split among columns or terms; None where it cannot be."""


def choose_method(pipeline: Pipeline, contract: DataContract, background: Any) -> Method:
    """The exact method that the model's structure allows, if it proves exact; else a sampling one.

    `background` is what the pipeline takes: a frame of rows or, for a text task, an array of texts.
    """
    exact = _exact(pipeline, contract, background)
    if exact is not None and _proves_exact(exact, pipeline, background[:TRIED]):
        return exact
    if contract.task is Task.TEXT:
        return SampledWords(pipeline)
    return SampledColumns(pipeline, background)


def _exact(pipeline: Pipeline, contract: DataContract, background: Any) -> Method | None:
    encoder, model = pipeline[:-1], pipeline[-1]
    words = isinstance(pipeline[0], CountVectorizer) and len(pipeline) == 2
    names = list(pipeline[0].get_feature_names_out()) if words else contract.model_order
    split = _split_terms if words else _split_columns(pipeline, background, len(names))
    if isinstance(model, CalibratedClassifierCV):
        members = _members(model, split)
        return CalibratedMethod(encoder, members, names) if members else None
    margins = split(model)
    return MarginMethod(encoder, margins, names) if margins else None


def _split_terms(model: Any) -> Margins | None:
    return TermMargins(model) if isinstance(model, LINEAR) else None


def _split_columns(pipeline: Pipeline, background: Any, width: int) -> Split:
    known = isinstance(pipeline[0], ColumnTransformer) and len(pipeline) == 2
    sources = origins(pipeline[0]) if known else None
    if sources is None:
        return lambda model: None
    encoded = pipeline[0].transform(background)

    def split(model: Any) -> Margins | None:
        if isinstance(model, HistGradientBoostingClassifier):
            return TreeMargins(model, encoded, sources, width)
        return LinearMargins(model, encoded, sources, width) if isinstance(model, LINEAR) else None

    return split


def _members(model: CalibratedClassifierCV, split: Split) -> Sequence[Calibrated] | None:
    """The members of an ensemble for two classes that is calibrated by sigmoids, else None."""
    if len(model.classes_) != 2:
        return None
    found = []
    for part in model.calibrated_classifiers_:
        margins = split(part.estimator) if part.method == "sigmoid" else None
        if margins is None or len(part.estimator.classes_) != 2:
            return None
        sigmoid = part.calibrators[0]
        found.append(Calibrated(margins, -float(sigmoid.a_), -float(sigmoid.b_)))
    return found


def _proves_exact(method: Method, pipeline: Pipeline, rows: Any) -> bool:
    """Whether the parts add up to the score, and the score is the pipeline's."""
    p = pipeline.predict_proba(rows)
    classes = np.ones(len(p), dtype=np.intp) if p.shape[1] == 2 else p.argmax(axis=1)
    found = method.explain(rows, classes)
    scores = np.array([e.score for e in found])
    return all(map(_adds_up, found)) and np.allclose(
        scores, _in_space(method, p)[np.arange(len(p)), classes], atol=1e-3
    )


def _adds_up(explanation: Explanation) -> bool:
    return explanation.gap <= TOLERANCE * max(1.0, abs(explanation.score))


def _in_space(method: Method, p: Any) -> Any:
    if method.space == "probability":
        return p
    if p.shape[1] == 2:
        return logit(p)
    return np.log(p) - np.log(p).mean(axis=1, keepdims=True)
