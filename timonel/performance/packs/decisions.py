"""How good the decisions at the threshold are, from weighted confusion counts."""

import numpy as np
from numpy.typing import NDArray

from timonel.config import Costs
from timonel.performance.packs.measures import mean, ratio
from timonel.performance.packs.selection import NEGATIVE
from timonel.performance.value import Measured

Floats = NDArray[np.float64]


def decision_metrics(
    confusion: NDArray[np.int64],
    group: NDArray[np.intp],
    weight: Floats,
    costs: Costs,
    beta: float,
) -> dict[str, Measured]:
    """Accuracy to cost. Rows without a prediction are left out: null_rate tells of them.

    Args:
        confusion: rows by exploration, actual class and prediction (null, negative, positive).
        group: which weight counts for them, of the same shape.
        weight: by group.
        costs: what a wrong decision costs.
        beta: how many times recall weighs as much as precision in fbeta.
    """
    decided = confusion[:, :, NEGATIVE:]
    counts, w = decided.ravel(), weight[group[:, :, NEGATIVE:].ravel()]
    tn, fp, fn, tp = (_mask(decided.shape, actual, p) for actual in (0, 1) for p in (0, 1))

    def of(above: Floats, below: Floats) -> Measured:
        return ratio(counts, above, below, w)

    return {
        "accuracy": of(tp + tn, tp + tn + fp + fn),
        "precision": of(tp, tp + fp),
        "recall": of(tp, tp + fn),
        "specificity": of(tn, tn + fp),
        "f1": of(2 * tp, 2 * tp + fp + fn),
        "fbeta": of((1 + beta**2) * tp, (1 + beta**2) * tp + beta**2 * fn + fp),
        "base_rate": of(tp + fn, tp + tn + fp + fn),
        "cost_per_prediction": _cost(
            counts, costs.false_positive * fp + costs.false_negative * fn, w
        ),
    }


def _mask(shape: tuple[int, ...], actual: int, predicted: int) -> Floats:
    mask = np.zeros(shape)
    mask[:, actual, predicted] = 1.0
    return mask.ravel()


def _cost(counts: NDArray[np.int64], cost: Floats, w: Floats) -> Measured:
    n, total = int(counts.sum()), float(w @ counts)
    if not n:
        return mean(0.0, 0.0, 0)
    value = float((w * counts) @ cost) / total
    variance = float((w**2 * counts) @ (cost - value) ** 2) / float(w**2 @ counts)
    return mean(value * n, variance, n, total**2 / float(w**2 @ counts), least=0.0)
