"""A few labels, well chosen: which rows to label, and what their labels say of all rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from timonel.errors import BadInput
from timonel.performance.intervals import measured
from timonel.performance.metrics import Metric
from timonel.performance.realised import Labelled, find_metric, labelled, missing
from timonel.performance.value import Measured, State

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

LEAST_DOUBT = 0.1
"""Rows of which the model is sure count at least so much, so that confident errors are found too."""

METRICS = ("accuracy", "precision", "recall", "f1")
"""Not AUC: rows chosen for their doubt say little of the order of all, its interval would be too narrow."""

LEAST_A_STRATUM = 5
"""Labels asked for in each stratum; with fewer than 2 that arrive there is no interval."""


@dataclass(frozen=True)
class LabelPlan:
    """Which rows to have labelled, drawn at random within strata of similar doubt."""

    rows: Indices
    """Positions of the rows to label, by stratum."""
    stratum: Indices
    """The stratum of each of these rows."""
    sizes: Indices
    """Rows in each stratum, labelled or not."""

    @property
    def weight(self) -> Floats:
        """How many rows each chosen one stands for."""
        weights: Floats = (self.sizes / np.bincount(self.stratum, minlength=len(self.sizes)))[
            self.stratum
        ]
        return weights

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rows": self.rows.tolist(),
            "stratum": self.stratum.tolist(),
            "sizes": self.sizes.tolist(),
        }


def plan_labels(
    probability: ArrayLike, budget: int, *, strata: int = 10, seed: int = 0
) -> LabelPlan:
    """Choose the rows whose labels tell most about the performance.

    Rows are ordered by the probability of the positive class and cut into strata of equal total doubt,
    where the doubt is the standard deviation of the outcome sqrt(p(1-p)); labels are allotted in
    proportion to a stratum's size times its doubt (Neyman). The estimate stays unbiased when the
    probabilities are wrong, only its interval is then wider. Prefer calibrated probabilities.

    Args:
        probability: of the positive class, or of the predicted one; a row with NaN may not be chosen.
        budget: how many labels can be had.
        strata: how many strata at most; each gets 5 labels or more.
        seed: of the draw.

    References:
        J. Neyman: On the two different aspects of the representative method. JRSS 97(4), 1934.
        W. G. Cochran: Sampling Techniques, 3rd ed., 1977, sections 5.5 and 5A.7.
    """
    p = np.asarray(probability, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise BadInput(
            "probability is not a column of numbers from 0 to 1",
            fix="leave out rows without a score, and pass the probability of one class",
        )
    if not LEAST_A_STRATUM <= budget <= len(p):
        raise BadInput(
            f"budget is {budget}, expected from {LEAST_A_STRATUM} to the {len(p):,} rows there are"
        )
    doubt = np.maximum(np.sqrt(p * (1 - p)), LEAST_DOUBT)
    stratum = _strata(p, doubt, max(1, min(strata, budget // LEAST_A_STRATUM)))
    sizes: Indices = np.bincount(stratum)
    take = _allot(sizes, np.bincount(stratum, doubt).astype(np.float64), budget)
    rng = np.random.default_rng(seed)
    rows = [
        np.sort(rng.choice(np.flatnonzero(stratum == h), size=n, replace=False))
        for h, n in enumerate(take)
    ]
    return LabelPlan(np.concatenate(rows), np.repeat(np.arange(len(take)), take), sizes)


def estimate_from_labels(
    plan: LabelPlan,
    y_true: ArrayLike,
    y_score: ArrayLike,
    y_pred: ArrayLike,
    *,
    metrics: Sequence[str] = METRICS,
    classes: Sequence[object] | None = None,
) -> dict[str, Measured]:
    """Each metric over all rows, from the labels of the plan's rows, with a 95 % interval.

    The Horvitz-Thompson estimate of every sum, and the linearised stratified variance with the finite
    population correction. The columns are those of `plan.rows`, in their order. A label that did not
    come (None, NaN) is left out, and the others of its stratum speak for it; the state is "labels
    immature" while a stratum has fewer than two.
    """
    unfit = sorted(set(metrics) - set(METRICS))
    if unfit:
        raise BadInput(f"{unfit[0]!r} cannot be estimated so, expected any of {', '.join(METRICS)}")
    truth = np.asarray(y_true)
    if len(truth) != len(plan.rows):
        raise BadInput(
            f"{len(truth)} labels, expected {len(plan.rows)}, one for each row of the plan"
        )
    there = ~missing(truth)
    stratum = plan.stratum[there]
    came = np.bincount(stratum, minlength=len(plan.sizes))
    if came.min() < np.minimum(2, plan.sizes).min():
        return {name: Measured.absent(State.IMMATURE, int(there.sum())) for name in metrics}
    weight = (plan.sizes / came)[stratum]
    rows = labelled(
        truth[there],
        np.asarray(y_score)[there],
        np.asarray(y_pred)[there],
        weight=weight,
        classes=classes,
    )
    return {name: _estimate(find_metric(name), rows, stratum, plan.sizes) for name in metrics}


def _estimate(metric: Metric, rows: Labelled, stratum: Indices, sizes: Indices) -> Measured:
    part = metric(rows.rows)
    variance = 0.0 if part is None else _stratified_variance(part.by_weight, stratum, sizes)
    return measured(part, variance, len(rows.label))


def _stratified_variance(u: Floats, stratum: Indices, sizes: Indices) -> float:
    """The variance of sum over strata of N_h times the mean of u."""
    n = np.bincount(stratum, minlength=len(sizes))
    mean = np.bincount(stratum, u, len(sizes)) / n
    squares = np.bincount(stratum, (u - mean[stratum]) ** 2, len(sizes)) / np.maximum(n - 1, 1)
    return float((sizes**2 * (1 - n / sizes) * squares / n).sum())


def _strata(p: Floats, doubt: Floats, count: int) -> Indices:
    order = np.argsort(p, kind="stable")
    reached = np.cumsum(doubt[order])
    stratum = np.empty(len(p), dtype=np.intp)
    stratum[order] = np.minimum((reached - doubt[order]) / reached[-1] * count, count - 1)
    # a stratum with too few rows to draw from joins its neighbour
    small = np.bincount(stratum, minlength=count) < LEAST_A_STRATUM
    for h in np.flatnonzero(small):
        stratum[stratum == h] = h + 1 if h == 0 else h - 1
    joined: Indices = np.unique(stratum, return_inverse=True)[1]
    return joined


def _allot(sizes: Indices, doubt: Floats, budget: int) -> Indices:
    """Labels a stratum: in proportion to its total doubt, at least 5, at most all of its rows."""
    take = np.minimum(LEAST_A_STRATUM, sizes)
    while take.sum() < budget and (take < sizes).any():
        # the next label goes where a label is worth most
        worth = np.where(take < sizes, doubt / (take + 0.5), -1.0)
        take[int(np.argmax(worth))] += 1
    return take
