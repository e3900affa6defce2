"""The estimators that compete: scikit-learn pipelines from raw features to probabilities.

Preprocessing is part of the pipeline, so that it is fitted on training rows alone and travels with the
model. Columns are taken by position, numbers first, then categories: that is the order of the ONNX
graph's two inputs. A category outside the vocabulary becomes no column at all for a linear model and a
missing value for a tree.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, TimeSeriesSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC

from timonel.config import Candidate
from timonel.contract import DataContract
from timonel.errors import BadInput
from timonel_components.learning.vocabulary import STRETCHES, Seen

Params = Mapping[str, float | int]
Space = Mapping[str, Sequence[float | int]]

_BOOSTING: Space = {
    "learning_rate": (0.1, 0.05, 0.2),
    "max_iter": (100, 50, 200),
    "max_leaf_nodes": (31, 8, 16),
    "min_samples_leaf": (20, 50, 100),
    "l2_regularization": (0.0, 1.0, 10.0),
}
_WORDS: Space = {"ngram": (1, 2), "min_df": (2, 5), "C": (1.0, 0.1, 10.0)}

SPACES: Mapping[Candidate, Space] = {
    Candidate.LOGISTIC: {"C": (1.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 3.0, 10.0, 30.0)},
    Candidate.BOOSTING: _BOOSTING,
    Candidate.CALIBRATED_BOOSTING: _BOOSTING,
    Candidate.TFIDF_LOGISTIC: _WORDS,
    Candidate.TFIDF_SVM: _WORDS,
}
"""What the search may set, for each candidate; the first value of each setting is its default."""


def default_params(candidate: Candidate) -> dict[str, float | int]:
    """The settings that every search tries first."""
    return {name: values[0] for name, values in SPACES[candidate].items()}


def build(
    candidate: Candidate, contract: DataContract, params: Params, seed: int, seen: Seen
) -> Pipeline:
    """An unfitted pipeline for the contract's columns; the same arguments give the same model."""
    if candidate in (Candidate.TFIDF_LOGISTIC, Candidate.TFIDF_SVM):
        return _text(candidate, contract, params, seed, seen)
    if candidate is Candidate.LOGISTIC:
        return Pipeline([("columns", _linear_columns(contract, seen)), ("model", _linear(params))])
    model: Any = _boosting(params, seed)
    if candidate is Candidate.CALIBRATED_BOOSTING:
        model = CalibratedClassifierCV(model, method="sigmoid", cv=_folds(contract, seed, seen))
    return Pipeline([("columns", _tree_columns(contract, seen)), ("model", model)])


def tidy(pipeline: Pipeline) -> Pipeline:
    """Put a fitted pipeline's words in order, as plain numbers: numpy's are a file each in skops.

    An address in memory that scikit-learn notes for its own checks goes: the model is the same without.
    """
    words = pipeline.named_steps.get("words")
    if words is not None:
        words.vocabulary_ = {word: int(at) for word, at in sorted(words.vocabulary_.items())}
        vars(words).pop("_stop_words_id", None)
    return pipeline


def _folds(contract: DataContract, seed: int, seen: Seen) -> TimeSeriesSplit | StratifiedKFold:
    """What calibrates: rows with a time are calibrated on what came later, never on a random share.

    Unless a class is missing in one of the stretches: then nothing could be calibrated on it.
    """
    if contract.time is not None and seen.spread:
        return TimeSeriesSplit(STRETCHES, test_size=seen.stretch)
    if seen.rarest < 2:
        raise BadInput(
            "a calibrated candidate needs two training rows of each class, and one class has a single row",
            fix="use more rows, or name the other candidates in train.candidates",
        )
    return StratifiedKFold(min(3, seen.rarest), shuffle=True, random_state=seed)


def _linear(params: Params) -> LogisticRegression:
    return LogisticRegression(C=params["C"], max_iter=2000)


def _boosting(params: Params, seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(**params, early_stopping=False, random_state=seed)


def _linear_columns(contract: DataContract, seen: Seen) -> ColumnTransformer:
    numbers = Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
        ]
    )
    categories = OneHotEncoder(
        categories=_categories(seen), handle_unknown="ignore", dtype=np.float32
    )
    return _by_position(contract, numbers, categories)


def _tree_columns(contract: DataContract, seen: Seen) -> ColumnTransformer:
    codes = OrdinalEncoder(
        categories=_categories(seen), handle_unknown="use_encoded_value", unknown_value=np.nan
    )
    return _by_position(contract, "passthrough", codes)


def _categories(seen: Seen) -> list[list[str]]:
    return [list(names) for names in seen.vocabulary]


def _by_position(contract: DataContract, numbers: Any, categories: Any) -> ColumnTransformer:
    k, c = len(contract.numeric), len(contract.categorical)
    parts = [
        ("numeric", numbers, list(range(k))),
        ("categorical", categories, list(range(k, k + c))),
    ]
    return ColumnTransformer([part for part in parts if part[2]])


def _text(
    candidate: Candidate, contract: DataContract, params: Params, seed: int, seen: Seen
) -> Pipeline:
    words = TfidfVectorizer(
        sublinear_tf=True,
        ngram_range=(1, int(params["ngram"])),
        min_df=int(params["min_df"]),
        max_features=50_000,
    )
    if candidate is Candidate.TFIDF_LOGISTIC:
        return Pipeline([("words", words), ("model", _linear(params))])
    svm = LinearSVC(C=params["C"], random_state=seed)
    folds = _folds(contract, seed, seen)
    return Pipeline([("words", words), ("model", CalibratedClassifierCV(svm, cv=folds))])
