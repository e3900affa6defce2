"""Intervals of metrics that lie between 0 and 1."""

import math

from timonel.performance.metrics import Value
from timonel.performance.value import Measured, State

Z = 1.959963984540054
"""The normal quantile of a 95 % interval."""

LEAST_SUPPORT = 10.0
"""Below this many rows in its denominator a metric is not shown."""


def measured(part: Value | None, variance: float, n: int) -> Measured:
    """The metric with a 95 % interval of this variance, or the state that says why there is none."""
    if n == 0:
        return Measured.absent(State.NO_DATA)
    if part is None:
        return Measured.absent(State.UNDEFINED, n)
    if part.support < LEAST_SUPPORT:
        return Measured.absent(State.TOO_FEW, n)
    lower, upper = wilson(part.value, variance, part.support)
    return Measured(part.value, lower, upper, n)


def wilson(value: float, variance: float, support: float) -> tuple[float, float]:
    """Wilson's interval for the number of independent rows that would have this variance.

    It stays within 0 and 1 and is not of width 0 at the ends, where `support` rows are assumed.
    """
    spread = value * (1 - value)
    n = spread / variance if spread > 0 and variance > 0 else support
    centre = (value + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(max(spread, 0) / n + Z**2 / (4 * n**2))
    return max(0.0, min(centre - half, value)), min(1.0, max(centre + half, value))


def difference(a: Measured, b: Measured) -> Measured:
    """a less b for independent rows, its interval from the distances of both (Newcombe's method)."""
    if not (a.ok and b.ok):
        return Measured.absent(a.state if not a.ok else b.state, min(a.n, b.n))
    (x, low_x, high_x), (y, low_y, high_y) = _whole(a), _whole(b)
    down = math.hypot(x - low_x, high_y - y)
    up = math.hypot(high_x - x, y - low_y)
    return Measured(x - y, x - y - down, x - y + up, min(a.n, b.n))


def _whole(m: Measured) -> tuple[float, float, float]:
    value = float(m)
    return (
        value,
        value if m.lower is None else m.lower,
        value if m.upper is None else m.upper,
    )
