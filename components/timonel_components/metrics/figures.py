"""The figures by which a classifier is judged, each by its name in timonel.yaml.

A metric takes `y` int (n,), the class of each row, and `p` (n, classes), the probabilities. Of two
classes the second is the positive one and `threshold` decides; of more, the likeliest class is the
prediction and precision, recall and the like are macro averages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn import metrics as sk

from timonel.config import Costs
from timonel.errors import BadInput
from timonel_components.metrics.scored import Labels, Probabilities, Scored

ECE_BINS = 10
"""Groups of equal size, by score, over which calibration error is averaged."""

LATENCIES = ("latency_p50_ms", "latency_p95_ms")
"""Figures of time, which an evaluation has beside the metrics."""


class UndefinedMetric(Exception):
    """A metric has no value on these rows; the message says why."""


@dataclass(frozen=True)
class Metric:
    """One figure: call it with classes and probabilities."""

    name: str
    higher_is_better: bool | None
    """None: neither, it describes."""
    compute: Callable[[Scored], float]
    binary_only: bool = False
    needs_both_classes: bool = False

    def __call__(
        self,
        y: Labels,
        p: Probabilities,
        threshold: float | None = None,
        costs: Costs | None = None,
    ) -> float:
        """The figure; raises `UndefinedMetric` where it has none."""
        cut = 0.5 if threshold is None else threshold
        return self.of(Scored(np.asarray(y), np.asarray(p), cut, costs or Costs()))

    def of(self, rows: Scored) -> float:
        """The figure of scored rows; raises `UndefinedMetric` where it has none."""
        if not len(rows):
            raise UndefinedMetric("there are no rows")
        if self.binary_only and not rows.binary:
            raise UndefinedMetric(f"{self.name} is defined for two classes only")
        if self.needs_both_classes and (single := _single_class(rows)):
            raise UndefinedMetric(single)
        value = float(self.compute(rows))
        if not np.isfinite(value):
            raise UndefinedMetric(_why_undefined(rows))
        return value


def _single_class(rows: Scored) -> str | None:
    absent = np.setdiff1d(rows.classes, rows.y)
    return f"no row of class index {absent[0]} is among them" if len(absent) else None


def _why_undefined(rows: Scored) -> str:
    if rows.binary and not rows.predicted.any():
        return "no row reaches the threshold"
    return _single_class(rows) or "it divides by zero on these rows"


def _normalised(rows: Scored) -> Probabilities:
    """Probabilities as float64 that sum to one, as scikit-learn's losses ask."""
    p = rows.p.astype(np.float64)
    total: Probabilities = p / p.sum(axis=1, keepdims=True)
    return total


def _roc_auc(rows: Scored) -> float:
    if rows.binary:
        return float(sk.roc_auc_score(rows.y, rows.score))
    # one class against the rest each: scikit-learn's own average wants sums of exactly one
    return float(np.mean([sk.roc_auc_score(rows.y == k, rows.p[:, k]) for k in rows.classes]))


def _pr_auc(rows: Scored) -> float:
    if rows.binary:
        return float(sk.average_precision_score(rows.y, rows.score))
    return float(sk.average_precision_score(np.eye(rows.p.shape[1])[rows.y], rows.p))


def _log_loss(rows: Scored) -> float:
    return float(sk.log_loss(rows.y, _normalised(rows), labels=rows.classes))


def _brier(rows: Scored) -> float:
    if rows.binary:
        return float(sk.brier_score_loss(rows.y, rows.score, pos_label=1))
    return float(np.mean(np.sum((rows.p - np.eye(rows.p.shape[1])[rows.y]) ** 2, axis=1)))


def confidence_and_hit(rows: Scored) -> tuple[Probabilities, Probabilities]:
    """What calibration compares: the positive's score and label, or the top class's and its truth."""
    if rows.binary:
        return rows.score.astype(np.float64), rows.y.astype(np.float64)
    top = rows.p.argmax(axis=1)
    return rows.p.max(axis=1).astype(np.float64), (top == rows.y).astype(np.float64)


def score_bins(score: Probabilities, bins: int = ECE_BINS) -> Labels:
    """The group of each row: groups of about equal size in the order of the score, ties together."""
    edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, score, side="right")


def _ece(rows: Scored) -> float:
    score, hit = confidence_and_hit(rows)
    gaps = np.bincount(score_bins(score), weights=score - hit)
    return float(np.abs(gaps).sum() / len(rows))


def _by_class(function: Callable[..., Any], rows: Scored) -> float:
    how = (
        {"pos_label": 1, "average": "binary"}
        if rows.binary
        else {"labels": rows.classes, "average": "macro"}
    )
    return float(function(rows.y, rows.predicted, zero_division=np.nan, **how))


def _macro_f1(rows: Scored) -> float:
    found = sk.f1_score(
        rows.y, rows.predicted, labels=rows.classes, average="macro", zero_division=0
    )
    return float(found)


def row_costs(rows: Scored) -> Probabilities:
    """What each row's decision cost."""
    alarm, positive = rows.predicted == 1, rows.y == 1
    cost: Probabilities = (alarm & ~positive) * rows.costs.false_positive + (
        ~alarm & positive
    ) * rows.costs.false_negative
    return cost


def _all() -> tuple[Metric, ...]:
    return (
        Metric("pr_auc", True, _pr_auc, needs_both_classes=True),
        Metric("roc_auc", True, _roc_auc, needs_both_classes=True),
        Metric("log_loss", False, _log_loss),
        Metric("brier", False, _brier),
        Metric("ece", False, _ece),
        Metric("accuracy", True, lambda r: float(sk.accuracy_score(r.y, r.predicted))),
        Metric("precision", True, partial(_by_class, sk.precision_score)),
        Metric("recall", True, partial(_by_class, sk.recall_score)),
        Metric("f1", True, partial(_by_class, sk.f1_score)),
        Metric("macro_f1", True, _macro_f1),
        Metric("cost", False, lambda r: float(row_costs(r).mean()), binary_only=True),
        Metric("alert_rate", None, lambda r: float(r.predicted.mean()), binary_only=True),
        Metric("base_rate", None, lambda r: float(r.y.mean()), binary_only=True),
    )


METRICS: dict[str, Metric] = {m.name: m for m in _all()}


def metric(name: str) -> Metric:
    """The metric of a name; an unknown one is a `BadInput` that lists the known."""
    if name not in METRICS:
        raise BadInput(f"{name} is not a metric", fix=f"use one of {', '.join(METRICS)}")
    return METRICS[name]


def metrics_for(classes: int) -> tuple[Metric, ...]:
    """The metrics that exist for so many classes."""
    return tuple(m for m in METRICS.values() if classes == 2 or not m.binary_only)
