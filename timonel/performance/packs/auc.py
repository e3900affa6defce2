"""An interval for the area under the ROC curve that holds with few positives and near 1."""

import math
from collections.abc import Callable

from timonel.performance.intervals import Z


def auc_interval(
    value: float, variance: float, positives: float, negatives: float
) -> tuple[float, float]:
    """The 95 % interval of areas from which `value` is no further than chance allows.

    Newcombe (2006), Statistics in Medicine 25, method 5: Hanley and McNeil's variance at each candidate
    area, not at the value, whose own estimate is too small near 1. Where the estimate (DeLong's) is larger
    at the value, all are raised by as much.

    Args:
        value: the area found.
        variance: its estimated variance.
        positives: how many positive rows it rests on.
        negatives: likewise.
    """
    model = _variance(value, positives, negatives)
    scale = Z**2 * max(1.0, variance / model if model > 0 else 1.0)

    def beyond(area: float) -> bool:
        return (value - area) ** 2 > scale * _variance(area, positives, negatives)

    return _edge(beyond, 0.0, value), _edge(beyond, 1.0, value)


def _variance(area: float, positives: float, negatives: float) -> float:
    n = (positives + negatives) / 2 - 1
    spread = 1 + n * (1 - area) / (2 - area) + n * area / (1 + area)
    return area * (1 - area) * spread / (positives * negatives)


def _edge(beyond: Callable[[float], bool], outside: float, inside: float) -> float:
    """Where `beyond` ends between the two, by bisection."""
    while abs(outside - inside) > 1e-12 and not math.isclose(outside, inside, rel_tol=1e-12):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if beyond(middle) else (outside, middle)
    return inside
