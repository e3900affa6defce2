"""Every metric on many resamples of the same rows at once.

A resample is a row of weights: how often each row was drawn. One pass over the sorted rows gives a
metric for all resamples, which is what makes bootstrap intervals cheap. With all weights one, each
function equals its namesake in `timonel_components.metrics.figures`.
"""

from collections.abc import Callable

import numpy as np

from timonel_components.metrics.figures import confidence_and_hit, row_costs, score_bins
from timonel_components.metrics.scored import Floats, Scored

Resampled = Callable[[Scored, Floats], Floats]
"""Takes rows and weights (resamples, n), gives (resamples,); NaN where undefined."""


def _mean(per_row: Callable[[Scored], Floats]) -> Resampled:
    def compute(rows: Scored, weights: Floats) -> Floats:
        mean: Floats = weights @ per_row(rows) / weights.sum(axis=1)
        return mean

    return compute


def _row_log_loss(rows: Scored) -> Floats:
    p = rows.p.astype(np.float64)
    tiny = np.finfo(rows.p.dtype).eps
    own = p[np.arange(len(rows)), rows.y] / p.sum(axis=1)
    loss: Floats = -np.log(np.clip(own, tiny, 1 - tiny))
    return loss


def _row_brier(rows: Scored) -> Floats:
    if rows.binary:
        binary: Floats = (rows.score.astype(np.float64) - rows.y) ** 2
        return binary
    squares: Floats = ((rows.p - np.eye(rows.p.shape[1])[rows.y]) ** 2).sum(axis=1)
    return squares


def _ece(rows: Scored, weights: Floats) -> Floats:
    score, hit = confidence_and_hit(rows)
    groups = np.eye(score_bins(score).max() + 1)[score_bins(score)]
    gaps = (weights * (score - hit)) @ groups
    ece: Floats = np.abs(gaps).sum(axis=1) / weights.sum(axis=1)
    return ece


def _macro(one: Callable[[Floats, Floats, Floats], Floats]) -> Resampled:
    """Of two classes the metric of the positive one, of more the mean over all."""

    def compute(rows: Scored, weights: Floats) -> Floats:
        classes = [1] if rows.binary else list(rows.classes)
        return _over_classes(one, rows, weights, classes)

    return compute


def _over_classes(
    one: Callable[[Floats, Floats, Floats], Floats],
    rows: Scored,
    weights: Floats,
    classes: list[int],
) -> Floats:
    predicted = rows.predicted
    values = [
        one((rows.y == k).astype(float), (predicted == k).astype(float), weights) for k in classes
    ]
    return _nanmean(np.array(values))


def _nanmean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    mean: Floats = np.where(known, values, 0).sum(axis=0) / known.sum(axis=0)
    return mean


def _precision(truth: Floats, alarm: Floats, weights: Floats) -> Floats:
    value: Floats = weights @ (truth * alarm) / (weights @ alarm)
    return value


def _recall(truth: Floats, alarm: Floats, weights: Floats) -> Floats:
    value: Floats = weights @ (truth * alarm) / (weights @ truth)
    return value


def _f1(truth: Floats, alarm: Floats, weights: Floats) -> Floats:
    value: Floats = 2 * (weights @ (truth * alarm)) / (weights @ (truth + alarm))
    return value


def _macro_f1(rows: Scored, weights: Floats) -> Floats:
    return _over_classes(_f1_or_zero, rows, weights, list(rows.classes))


def _f1_or_zero(truth: Floats, alarm: Floats, weights: Floats) -> Floats:
    return np.nan_to_num(_f1(truth, alarm, weights), nan=0.0)


def _ranked(one: Callable[[Floats, Floats, Floats], Floats]) -> Resampled:
    """A metric of the order of scores, one class against the rest."""

    def compute(rows: Scored, weights: Floats) -> Floats:
        classes = [1] if rows.binary else list(rows.classes)
        values = [one(rows.y == k, rows.p[:, k], weights) for k in classes]
        mean: Floats = np.mean(values, axis=0)
        return mean

    return compute


def _cumulated(truth: Floats, score: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """True and false positives (resamples, cuts), as the threshold falls past each distinct score."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    ranked, positive = weights[:, order], truth[order].astype(weights.dtype)
    caught = np.cumsum(ranked * positive, axis=1)[:, ends]
    alarms = np.cumsum(ranked, axis=1)[:, ends]
    return caught, alarms - caught


def _roc_auc(truth: Floats, score: Floats, weights: Floats) -> Floats:
    caught, false = _cumulated(truth, score, weights)
    left = np.concatenate([np.zeros_like(caught[:, :1]), caught[:, :-1]], axis=1)
    width = np.diff(false, axis=1, prepend=0)
    area = (width * (caught + left)).sum(axis=1) / 2
    auc: Floats = area / (caught[:, -1] * false[:, -1])
    return auc


def _pr_auc(truth: Floats, score: Floats, weights: Floats) -> Floats:
    caught, false = _cumulated(truth, score, weights)
    alarms = caught + false
    precision = np.divide(caught, alarms, out=np.zeros_like(caught), where=alarms > 0)
    gain = np.diff(caught, axis=1, prepend=0)
    average: Floats = (gain * precision).sum(axis=1) / caught[:, -1]
    return average


RESAMPLED: dict[str, Resampled] = {
    "pr_auc": _ranked(_pr_auc),
    "roc_auc": _ranked(_roc_auc),
    "log_loss": _mean(_row_log_loss),
    "brier": _mean(_row_brier),
    "ece": _ece,
    "accuracy": _mean(lambda r: (r.predicted == r.y).astype(float)),
    "precision": _macro(_precision),
    "recall": _macro(_recall),
    "f1": _macro(_f1),
    "macro_f1": _macro_f1,
    "cost": _mean(row_costs),
    "alert_rate": _mean(lambda r: r.predicted.astype(float)),
    "base_rate": _mean(lambda r: r.y.astype(float)),
}
