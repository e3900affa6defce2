"""Figures of predictions over one or many periods, and the difference between two policies.

Rows are taken as independent and the models as given: the intervals are those of the rows drawn.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from timonel.config import Costs
from timonel.performance.intervals import LEAST_SUPPORT, Z, measured
from timonel.performance.metrics import METRICS, Value
from timonel.performance.realised import Labelled
from timonel.performance.value import Measured, State

COST = "cost"
"""The mean cost of a row's decision, in the unit of the settings' costs; of two classes only."""

Floats = NDArray[np.float64]
Parts = Sequence[Labelled]
"""The predictions of each period, all with the same classes."""


def names_for(classes: int) -> tuple[str, ...]:
    """The figures that exist for so many classes."""
    return (*METRICS, COST) if classes == 2 else tuple(METRICS)


def figures(parts: Parts, classes: int, costs: Costs) -> dict[str, Measured]:
    """Each figure over all the parts, with a 95 % interval."""
    return {name: figure(name, parts, costs) for name in names_for(classes)}


def figure(name: str, parts: Parts, costs: Costs) -> Measured:
    """One figure over all the parts; AUC compares rows of one part only (see `_ranking`)."""
    n = sum(len(part.label) for part in parts)
    value = _value(name, parts, costs) if n else None
    if value is None or name != COST or value.support < LEAST_SUPPORT:
        return measured(value, _variance(value), n)
    return _with_normal_interval(value.value, _variance(value), n)


def shortfall(name: str, policy: Parts, best: Parts, costs: Costs) -> Measured:
    """How much worse the first did than the second, on the same rows in the same parts.

    Positive: worse. The interval is that of paired rows, so it is far narrower than the two intervals
    of the figures suggest.
    """
    n = sum(len(part.label) for part in policy)
    a, b = _value(name, policy, costs), _value(name, best, costs)
    if not n or a is None or b is None:
        return Measured.absent(State.UNDEFINED if n else State.NO_DATA, n)
    if min(a.support, b.support) < LEAST_SUPPORT:
        return Measured.absent(State.TOO_FEW, n)
    variance = float(((a.by_weight - b.by_weight) ** 2).sum()) * n / max(n - 1, 1)
    worse = a.value - b.value if name == COST else b.value - a.value
    return _with_normal_interval(worse, variance, n)


def scaled(m: Measured, by: float) -> Measured:
    """The same in another unit."""
    if m.value is None or m.lower is None or m.upper is None:
        return m
    return Measured(m.value * by, m.lower * by, m.upper * by, m.n)


def _value(name: str, parts: Parts, costs: Costs) -> Value | None:
    if name == COST:
        return _cost(parts, costs)
    if name == "auc":
        return _ranking(parts)
    return METRICS[name](_joined(parts).rows)


def _ranking(parts: Parts) -> Value | None:
    """AUC among the rows of each part, the parts weighted by the pairs that they hold.

    A row is never ranked against one of another period: another model may have scored that one, on
    another scale, and a change of the base rate would count as skill.
    """
    found = [(part, METRICS["auc"](part.rows)) for part in parts if len(part.label)]
    known = [(part, value) for part, value in found if value is not None]
    if not known:
        return None
    pairs = sum(float(_pairs(part).sum()) for part, _ in known)
    mean = sum(float(_pairs(part).sum()) * value.value for part, value in known) / pairs
    by_weight = [_by_weight(part, value, mean, pairs) for part, value in found]
    support = sum(value.support for _, value in known)
    return Value(mean, np.empty((0, 0)), np.concatenate(by_weight), support)


def _by_weight(part: Labelled, value: Value | None, mean: float, pairs: float) -> Floats:
    """How the mean over all parts changes with the weight of each row of this one."""
    if value is None:
        return np.zeros(len(part.label))
    own = _pairs(part)
    moved: Floats = (own.sum() * value.by_weight + 2 * own * (value.value - mean)) / pairs
    return moved


def _pairs(part: Labelled) -> Floats:
    """With how many rows of other classes each row is compared."""
    counts = np.bincount(part.label, minlength=len(part.classes))
    others: Floats = (counts.sum() - counts)[part.label].astype(np.float64)
    return others


def _cost(parts: Parts, costs: Costs) -> Value:
    rows = _joined(parts)
    alarm, positive = rows.predicted == 1, rows.label == 1
    cost = (alarm & ~positive) * costs.false_positive + (~alarm & positive) * costs.false_negative
    n, mean = len(cost), float(cost.mean())
    return Value(mean, np.empty((0, 0)), (cost - mean) / n, float(n))


def _joined(parts: Parts) -> Labelled:
    return Labelled(
        parts[0].classes,
        np.concatenate([part.label for part in parts]),
        np.concatenate([part.predicted for part in parts]),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.weight for part in parts]),
    )


def _variance(value: Value | None) -> float:
    if value is None or len(value.by_weight) < 2:
        return 0.0
    n = len(value.by_weight)
    return float((value.by_weight**2).sum()) * n / (n - 1)


def _with_normal_interval(value: float, variance: float, n: int) -> Measured:
    half = Z * math.sqrt(variance)
    return Measured(value, value - half, value + half, n)
