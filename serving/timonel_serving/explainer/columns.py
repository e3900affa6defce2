"""Which column of the table each output of a fitted preprocessing step comes from.

A model sees encoded columns, one a category for example; a person asks about the column that was
encoded. The contributions of the outputs of one column are summed.
"""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

Origins = NDArray[np.intp]
"""For each output, the index of its column in the table."""


def origins(columns: ColumnTransformer) -> Origins | None:
    """The source of each output of a fitted transformer; None where it cannot be told."""
    sources: dict[int, int] = {}
    for name, step, taken in columns.transformers_:
        place = columns.output_indices_[name]
        if place.start == place.stop:
            continue
        within = _within(step, len(taken))
        if within is None or len(within) != place.stop - place.start:
            return None
        sources |= {place.start + i: int(taken[j]) for i, j in enumerate(within)}
    return np.array([sources[i] for i in range(len(sources))], dtype=np.intp)


def by_column(contributions: NDArray[Any], sources: Origins, width: int) -> NDArray[Any]:
    """Sum contributions (rows, outputs, ...) into (rows, `width` columns, ...)."""
    n, _, *rest = contributions.shape
    summed = np.zeros((n, width, *rest))
    for output, column in enumerate(sources):
        summed[:, column] += contributions[:, output]
    return summed


def _within(step: Any, width: int) -> Sequence[int] | None:
    """For each output of one step, the index of its column among those that the step takes."""
    if isinstance(step, Pipeline):
        return _through(step, width)
    if isinstance(step, OneHotEncoder):
        return _one_hot(step)
    if isinstance(step, FunctionTransformer) and step.func is None:  # "passthrough"
        return range(width)
    one_to_one = isinstance(step, OneToOneFeatureMixin | SimpleImputer)
    return range(width) if one_to_one and _outputs(step) == width else None


def _through(pipeline: Pipeline, width: int) -> Sequence[int] | None:
    place: Sequence[int] = range(width)
    for _, step in pipeline.steps:
        within = _within(step, len(place))
        if within is None:
            return None
        place = [place[i] for i in within]
    return place


def _one_hot(encoder: OneHotEncoder) -> Sequence[int]:
    nameless = copy.copy(encoder)
    nameless.feature_name_combiner = lambda feature, _: feature
    inputs = [f"{i}" for i in range(encoder.n_features_in_)]
    if hasattr(nameless, "feature_names_in_"):
        del nameless.feature_names_in_
    return [int(name) for name in nameless.get_feature_names_out(inputs)]


def _outputs(step: Any) -> int:
    return len(step.get_feature_names_out())
