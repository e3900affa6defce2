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

    def excess(area: float) -> float:
        return abs(value - area) - math.sqrt(scale * _variance(area, positives, negatives))

    reach = 1.2 * math.sqrt(scale * model)
    return (
        _edge(excess, 0.0, max(value - reach, 0.0), value),
        _edge(excess, 1.0, min(value + reach, 1.0), value),
    )


def _variance(area: float, positives: float, negatives: float) -> float:
    n = (positives + negatives) / 2 - 1
    spread = 1 + n * (1 - area) / (2 - area) + n * area / (1 + area)
    return area * (1 - area) * spread / (positives * negatives)


def _edge(excess: Callable[[float], float], outside: float, guess: float, inside: float) -> float:
    """Where `excess`, above 0 outside, falls to 0, which is likely just inside `guess`: Illinois method."""
    above, below, near = excess(outside), excess(inside), excess(guess)
    if near > 0:
        outside, above = guess, near
    else:
        inside, below = guess, near
    outer = None
    while abs(outside - inside) > 1e-12:
        part = above / (above - below) if below < 0 < above else 0.5
        at = outside + part * (inside - outside)
        found = excess(at)
        again, outer = outer is (found > 0), found > 0
        moved = abs(at - (outside if outer else inside))
        if outer:
            outside, above, below = at, found, below / 2 if again else below
        else:
            inside, below, above = at, found, above / 2 if again else above
        if moved < 1e-12:
            return at
    return inside
