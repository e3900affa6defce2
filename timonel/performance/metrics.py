"""Performance of class predictions, and how it changes with each row's outcome and weight.

One set of formulas serves three uses: outcomes that are known (0 or 1), outcomes of which only the
probability is known, and rows that count more or less than once. The derivatives give the intervals
(the delta method). Two classes: the second is the positive one. More: the mean over the classes
(macro), a class that is neither predicted nor present left out, as in scikit-learn.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Predictions of k classes, each with the (probability of the) outcome and a weight."""

    outcome: Floats
    """(n, k): one-hot outcomes, or their probabilities."""
    predicted: Floats
    """(n, k): one-hot predictions."""
    score: Floats
    """(n, k): what the model said, for the order of the rows."""
    weight: Floats
    """(n,): where the outcome is a probability, how many rows of this score and prediction there are."""


@dataclass(frozen=True)
class Value:
    """A metric on some rows, with its derivatives."""

    value: float
    by_outcome: Floats
    """(n, k): how the value changes with each outcome."""
    by_weight: Floats
    """(n,): how the value changes with each row's weight."""
    support: float
    """How many equally weighted rows the denominator is worth."""


Metric = Callable[[Rows], Value | None]
"""None: the metric has no meaning on these rows."""


def accuracy(rows: Rows) -> Value | None:
    """The share of right predictions."""
    w, total = rows.weight, rows.weight.sum()
    if total <= 0:
        return None
    right = (rows.outcome * rows.predicted).sum(axis=1)
    value = float(w @ right / total)
    return Value(
        value, w[:, None] * rows.predicted / total, (right - value) / total, _worth(w, 1.0)
    )


def _precision(p: Floats, yhat: Floats, _: Floats, w: Floats) -> Value | None:
    total = w @ yhat
    if total <= 0:
        return None
    value = float(w @ (yhat * p) / total)
    return Value(value, w * yhat / total, yhat * (p - value) / total, _worth(w, yhat))


def _recall(p: Floats, yhat: Floats, _: Floats, w: Floats) -> Value | None:
    total = w @ p
    if total <= 0:
        return None
    value = float(w @ (yhat * p) / total)
    return Value(value, w * (yhat - value) / total, p * (yhat - value) / total, _worth(w, p))


def _f1(p: Floats, yhat: Floats, _: Floats, w: Floats) -> Value | None:
    total = w @ (p + yhat)
    if total <= 0:
        return None
    value = float(2 * w @ (yhat * p) / total)
    by_weight = (2 * p * yhat - value * (p + yhat)) / total
    return Value(value, w * (2 * yhat - value) / total, by_weight, _worth(w, p + yhat))


def _auc(p: Floats, _: Floats, score: Floats, w: Floats) -> Value | None:
    a, b, q = w * p, w * (1 - p), 1 - p
    pairs = a.sum() * b.sum() - a @ q  # no row is paired with itself
    if a.sum() <= 0 or b.sum() <= 0 or pairs <= 0:
        return None
    below = _mass_below(score, b)
    above = a.sum() - _mass_below(score, a)
    value = float((a @ below - a @ q / 2) / pairs)
    right = w * ((below - q / 2) - (above - p / 2))
    by_outcome = (right - value * w * ((b.sum() - q) - (a.sum() - p))) / pairs
    by_weight = (p * below + (1 - p) * above - value * (p * b.sum() + (1 - p) * a.sum())) / pairs
    return Value(value, by_outcome, by_weight, min(_worth(w, p), _worth(w, 1 - p)))


def _mass_below(score: Floats, mass: Floats) -> Floats:
    """The mass of the rows with a smaller score, and half of that of an equal one."""
    _, group = np.unique(score, return_inverse=True)
    at = np.bincount(group, mass)
    result: Floats = (np.cumsum(at) - at / 2)[group]
    return result


def _worth(w: Floats, share: Floats | float) -> float:
    """Kish's effective number of rows behind a weighted sum."""
    squares = float((w**2 * share).sum())
    return float((w * share).sum()) ** 2 / squares if squares > 0 else 0.0


OneClass = Callable[[Floats, Floats, Floats, Floats], Value | None]


def _over_classes(one: OneClass) -> Metric:
    def metric(rows: Rows) -> Value | None:
        k = rows.outcome.shape[1]
        if k == 2:
            return _binary(one, rows)
        used = [c for c in range(k) if _occurs(rows, c)]
        parts = [(c, _of_class(one, rows, c)) for c in used]
        return _mean(rows, [(c, part) for c, part in parts if part is not None], len(used))

    return metric


def _occurs(rows: Rows, c: int) -> bool:
    return bool(rows.weight @ (rows.outcome[:, c] + rows.predicted[:, c]) > 0)


def _of_class(one: OneClass, rows: Rows, c: int) -> Value | None:
    return one(rows.outcome[:, c], rows.predicted[:, c], rows.score[:, c], rows.weight)


def _binary(one: OneClass, rows: Rows) -> Value | None:
    part = _of_class(one, rows, 1)
    return part and _mean(rows, [(1, part)], 1)


def _mean(rows: Rows, parts: list[tuple[int, Value]], n: int) -> Value | None:
    """The mean over n classes; one that has no value of its own counts 0, as in scikit-learn."""
    if not parts:
        return None
    by_outcome = np.zeros_like(rows.outcome)
    for c, part in parts:
        by_outcome[:, c] = part.by_outcome / n
    by_weight: Floats = np.sum([part.by_weight for _, part in parts], axis=0) / n
    support = sum(part.support for _, part in parts)
    return Value(sum(part.value for _, part in parts) / n, by_outcome, by_weight, support)


METRICS: dict[str, Metric] = {
    "auc": _over_classes(_auc),
    "accuracy": accuracy,
    "precision": _over_classes(_precision),
    "recall": _over_classes(_recall),
    "f1": _over_classes(_f1),
}
