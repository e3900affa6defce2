"""The lines and tables behind the pictures, thinned to what an eye can see."""

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from timonel_components.evaluation.result import CalibrationBin, Curve, ScoreCounts
from timonel_components.metrics.figures import confidence_and_hit, score_bins
from timonel_components.metrics.scored import Floats, Scored

POINTS = 200
SCORE_BINS = 40
MAX_CLASSES = 8
"""Classes with a curve of their own: more lines cannot be told apart."""


def confusion(rows: Scored) -> tuple[tuple[int, ...], ...]:
    """Rows by true (outer) and predicted (inner) class."""
    matrix = sk.confusion_matrix(rows.y, rows.predicted, labels=rows.classes)
    return tuple(tuple(int(n) for n in row) for row in matrix)


def curve_classes(rows: Scored) -> list[int]:
    """The classes that get a curve: those with rows and with other rows; of two the positive one."""
    candidates = [1] if rows.binary else list(rows.classes[:MAX_CLASSES])
    return [k for k in candidates if 0 < (rows.y == k).sum() < len(rows)]


def roc_curve(rows: Scored, klass: int) -> Curve:
    """False positive rate against true positive rate."""
    x, y, cuts = sk.roc_curve(rows.y == klass, rows.p[:, klass])
    return _curve(x, y, np.minimum(cuts, 1.0))


def pr_curve(rows: Scored, klass: int) -> Curve:
    """Recall against precision."""
    precision, recall, cuts = sk.precision_recall_curve(rows.y == klass, rows.p[:, klass])
    # the last point is scikit-learn's convention for no alarm at all, not a measurement
    return _curve(recall[-2::-1], precision[-2::-1], cuts[::-1])


def cost_curve(rows: Scored) -> Curve:
    """Threshold against the mean cost of a row, from alarming on all rows to alarming on none."""
    false, caught, cuts = sk.roc_curve(rows.y, rows.score, drop_intermediate=False)
    rate = rows.y.mean()
    cost = false * (1 - rate) * rows.costs.false_positive + (1 - caught) * rate * (
        rows.costs.false_negative
    )
    return _curve(np.minimum(cuts, 1.0)[::-1], cost[::-1], np.minimum(cuts, 1.0)[::-1])


def score_counts(rows: Scored, classes: tuple[str, ...]) -> ScoreCounts:
    """How the scores spread: of the positive class for two classes, of the top class for more."""
    score, hit = confidence_and_hit(rows)
    names = (
        dict(enumerate(classes)) if rows.binary else {1: "predicted right", 0: "predicted wrong"}
    )
    edges = np.linspace(0, 1, SCORE_BINS + 1)
    counts = {
        name: tuple(int(n) for n in np.histogram(score[hit == k], edges)[0])
        for k, name in names.items()
    }
    return ScoreCounts(edges=tuple(edges.tolist()), counts=counts)


def calibration(rows: Scored, z: float) -> tuple[CalibrationBin, ...]:
    """What the model says against what happened, in groups of equal size; `z` sets the interval."""
    score, hit = confidence_and_hit(rows)
    group = score_bins(score)
    found = []
    for k in np.unique(group):
        inside = group == k
        n, rate = int(inside.sum()), float(hit[inside].mean())
        low, high = wilson(rate, n, z)
        said = float(score[inside].mean())
        found.append(CalibrationBin(rows=n, score=said, rate=rate, low=low, high=high))
    return tuple(found)


def wilson(rate: float, n: int, z: float) -> tuple[float, float]:
    """Wilson's interval of a rate of n rows."""
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def _curve(x: Floats, y: Floats, cuts: Floats) -> Curve:
    keep = _thinned(x, y)
    return Curve(x=_listed(x[keep]), y=_listed(y[keep]), threshold=_listed(cuts[keep]))


def _thinned(x: Floats, y: Floats) -> NDArray[np.int64]:
    """Indices evenly spaced along the length of the line, its ends among them."""
    if len(x) <= POINTS:
        return np.arange(len(x))
    steps = np.hypot(np.diff(x) / (np.ptp(x) or 1), np.diff(y) / (np.ptp(y) or 1))
    length = np.append(0, np.cumsum(steps))
    at = np.searchsorted(length, np.linspace(0, length[-1], POINTS))
    kept: NDArray[np.int64] = np.unique(np.append(at.clip(0, len(x) - 1), [0, len(x) - 1]))
    return kept


def _listed(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(v), 6) for v in values)
