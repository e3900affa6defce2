"""Realised performance: predictions beside their labels, each row with a weight."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from timonel.errors import BadInput
from timonel.performance.intervals import measured
from timonel.performance.metrics import METRICS, Metric, Rows
from timonel.performance.value import Measured

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """Predictions with their labels, as indices into `classes`; made by `labelled`."""

    classes: tuple[object, ...]
    label: NDArray[np.intp]
    predicted: NDArray[np.intp]
    score: Floats
    """(n, k)"""
    weight: Floats
    n_ignored: int = field(default=0)
    """Rows left out, because their label or score was missing."""

    @property
    def rows(self) -> Rows:
        """The rows as the formulas want them."""
        one = np.eye(len(self.classes))
        return Rows(one[self.label], one[self.predicted], self.score, self.weight)

    def select(self, keep: NDArray[np.bool_]) -> "Labelled":
        """Some of the rows."""
        return Labelled(
            self.classes,
            self.label[keep],
            self.predicted[keep],
            self.score[keep],
            self.weight[keep],
            self.n_ignored,
        )


def labelled(
    y_true: ArrayLike,
    y_score: ArrayLike,
    y_pred: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    classes: Sequence[object] | None = None,
) -> Labelled:
    """Bring labels, scores and predictions together; rows without a label or score are left out and counted.

    Args:
        y_true: labels; None or NaN where there is none.
        y_score: probability of the positive class (n,), or of every class (n, k), from 0 to 1.
        y_pred: predicted labels.
        weight: how much each row counts; 1 if not given.
        classes: all labels in the order of the scores' columns; else the sorted ones that occur.
    """
    score = read_scores(y_score)
    truth, predicted = np.asarray(y_true), np.asarray(y_pred)
    weights = np.ones(len(score)) if weight is None else np.asarray(weight, dtype=np.float64)
    lengths = {"y_true": len(truth), "y_pred": len(predicted), "weight": len(weights)}
    if set(lengths.values()) != {len(score)}:
        raise BadInput(f"y_score has {len(score)} rows, expected as many in {lengths}")
    keep = ~(missing(truth) | np.isnan(score).any(axis=1))
    names = known_classes(classes, truth[keep], predicted[keep], score.shape[1])
    return Labelled(
        names,
        encode(truth[keep], names),
        encode(predicted[keep], names),
        score[keep],
        weights[keep],
        int((~keep).sum()),
    )


def realised(rows: Labelled, metrics: Sequence[str] = tuple(METRICS)) -> dict[str, Measured]:
    """Each metric with a 95 % interval, which counts for the weights."""
    return {name: _realised(find_metric(name), rows) for name in metrics}


def _realised(metric: Metric, labelled: Labelled) -> Measured:
    n = len(labelled.label)
    part = metric(labelled.rows) if n else None
    variance = 0.0
    if part is not None and n > 1:
        variance = float(((labelled.weight * part.by_weight) ** 2).sum()) * n / (n - 1)
    return measured(part, variance, n)


def find_metric(name: str) -> Metric:
    """The metric of this name; raises BadInput naming those that there are."""
    if name not in METRICS:
        raise BadInput(f"there is no metric {name!r}, expected one of {', '.join(METRICS)}")
    return METRICS[name]


def read_scores(y_score: ArrayLike) -> Floats:
    """Scores as (n, k), the two columns of a binary model if there is one; NaN stays."""
    score = np.asarray(y_score, dtype=np.float64)
    if score.ndim not in (1, 2) or (score.ndim == 2 and score.shape[1] < 2):
        raise BadInput(f"y_score has shape {score.shape}, expected (n,) or (n, classes)")
    if ((score < 0) | (score > 1)).any():
        raise BadInput(
            f"y_score goes from {np.nanmin(score):g} to {np.nanmax(score):g}, expected 0 to 1",
            fix="pass probabilities (predict_proba), not margins",
        )
    return np.stack([1 - score, score], axis=1) if score.ndim == 1 else score


def missing(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Which values are None or NaN."""
    if values.dtype.kind == "f":
        return np.isnan(values.astype(np.float64))
    if values.dtype.kind == "O":
        return np.array([v is None or v != v for v in values], dtype=bool)
    return np.zeros(values.shape, dtype=bool)


def known_classes(
    given: Sequence[object] | None,
    truth: NDArray[np.generic],
    predicted: NDArray[np.generic],
    columns: int,
) -> tuple[object, ...]:
    """The class of each column of the scores; raises BadInput if there are not as many."""
    if given is None:
        given = sorted({*_plain(truth), *_plain(predicted)}, key=lambda v: (str(type(v)), v))
    if len(given) != columns:
        raise BadInput(
            f"the labels hold {len(given)} classes {list(given)}, expected {columns},"
            " one a column of y_score",
            fix="name all of them in the order of the columns: classes=[...]",
        )
    return tuple(given)


def encode(values: NDArray[np.generic], classes: tuple[object, ...]) -> NDArray[np.intp]:
    """Each value as its index into the classes; raises BadInput for one that is not among them."""
    index = {c: i for i, c in enumerate(classes)}
    try:
        return np.array([index[v] for v in _plain(values)], dtype=np.intp)
    except KeyError as error:
        raise BadInput(
            f"the label {error.args[0]!r} is not among the classes {list(classes)}",
            fix="fit on rows that hold every class, or name them: classes=[...]",
        ) from error


def _plain(values: NDArray[np.generic]) -> list[object]:
    return list(values.tolist())
