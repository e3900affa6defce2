"""When labels arrive: the arrival curve, the age at which a cohort is mature, and weights for early reads."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from timonel.errors import BadInput
from timonel.performance.intervals import Z
from timonel.performance.value import Measured, State

Floats = NDArray[np.float64]

CLIP = 50.0
"""No label speaks for more than this many predictions; what is clipped is biased, but bounded."""

SEEN_WHOLE = 0.8
"""A maturity age beyond this share of the oldest age is not believed: the curve may still be rising."""


@dataclass(frozen=True)
class ArrivalCurve:
    """The share of labels that have arrived by an age, a step function.

    Ages are in any one unit (seconds, days). `share` is of all predictions for a curve of
    `fit_arrival`, of the labels that come by the oldest age for a curve of `fit_arrival_by_class`.
    """

    ages: Floats
    """Where the curve rises, ascending."""
    share: Floats
    error: Floats
    """Standard error of the share (Greenwood)."""
    oldest: float
    """The greatest age that was looked at; beyond it nothing is known."""
    n: int
    """Predictions (or labels, for a class) that the curve rests on."""

    def at(self, age: ArrayLike) -> Floats:
        """The share arrived by each age."""
        steps = np.concatenate([[0.0], self.share])
        return steps[np.searchsorted(self.ages, np.asarray(age, dtype=np.float64), side="right")]

    @property
    def plateau(self) -> float:
        """The share that has arrived by the oldest age; the rest came later or never."""
        return float(self.share[-1]) if len(self.share) else 0.0

    def maturity_age(self, share: float = 0.95) -> Measured:
        """The age by which this share of the labels that ever come has arrived.

        Labels immature if the answer lies so near the oldest age that later labels may not have been seen.
        """
        if not 0 < share < 1:
            raise BadInput(f"share is {share:g}, expected a number between 0 and 1, such as .95")
        if not len(self.ages):
            return Measured.absent(State.NO_DATA, self.n)
        aim = share * self.plateau
        age = self._first(self.share, aim)
        if age > SEEN_WHOLE * self.oldest:
            return Measured.absent(State.IMMATURE, self.n)
        lower = self._first(self.share + Z * self.error, aim)
        return Measured(age, lower, self._first(self.share - Z * self.error, aim), self.n)

    def _first(self, heights: Floats, aim: float) -> float:
        reached = np.flatnonzero(heights >= aim - 1e-12)
        return float(self.ages[reached[0]]) if len(reached) else self.oldest

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "ages": self.ages.tolist(),
            "share": self.share.tolist(),
            "error": self.error.tolist(),
            "oldest": self.oldest,
            "n": self.n,
        }


def fit_arrival(delay: ArrayLike, age: ArrayLike) -> ArrivalCurve:
    """The Kaplan-Meier curve of arrival over all predictions, those without a label censored at their age.

    Args:
        delay: from prediction to label; NaN where no label has arrived yet.
        age: from prediction to now.

    References:
        E. L. Kaplan, P. Meier: Nonparametric estimation from incomplete observations. JASA 53, 1958.
    """
    delays, ages = _checked(delay, age)
    arrived = ~np.isnan(delays)
    until = np.where(arrived, delays, ages)
    times, events = np.unique(delays[arrived], return_counts=True)
    at_risk = len(until) - np.searchsorted(np.sort(until), times, side="left")
    survival = np.cumprod(1 - events / at_risk)
    spread = np.cumsum(events / (at_risk * np.maximum(at_risk - events, 1)))
    return ArrivalCurve(
        times, 1 - survival, survival * np.sqrt(spread), _greatest(ages), len(until)
    )


def fit_arrival_by_class(
    label: ArrayLike, delay: ArrayLike, age: ArrayLike
) -> dict[object, ArrivalCurve]:
    """The arrival curve of each class, from the labels that have arrived.

    The class of a prediction without a label is unknown, so a label is seen only if its delay is below
    the age of its prediction: right truncation. The product-limit estimate in reversed time repairs it.
    Predictions without a label (NaN delay) are left out. A curve is relative to what arrives by the
    class's oldest age, so let some of the predictions be old.

    References:
        S. W. Lagakos, L. M. Barraj, V. De Gruttola: Nonparametric analysis of truncated survival data, with
        application to AIDS. Biometrika 75(3), 1988, section 2.
    """
    delays, ages = _checked(delay, age)
    labels = np.asarray(label)
    if labels.shape != delays.shape:
        raise BadInput(f"{labels.shape} labels for {delays.shape} delays, expected one a delay")
    arrived = ~np.isnan(delays)
    classes = np.unique(labels[arrived])
    return {
        c.item(): _truncated(delays[arrived & (labels == c)], ages[arrived & (labels == c)])
        for c in classes
    }


def _truncated(delays: Floats, ages: Floats) -> ArrivalCurve:
    times, events = np.unique(delays, return_counts=True)
    # at risk at t, backwards: labels that came by t, of predictions that were at least t old
    came = np.searchsorted(np.sort(delays), times, side="right")
    too_young = np.searchsorted(np.sort(ages), times, side="left")
    at_risk = np.maximum(came - too_young, events)
    kept = 1 - events / at_risk
    # G(t) is the product over later steps; the first step's own factor is always 0 and never used
    later = np.concatenate([kept[1:], [1.0]])[::-1]
    share = np.cumprod(later)[::-1]
    hazard = np.concatenate([(events / (at_risk * np.maximum(at_risk - events, 1)))[1:], [0.0]])[
        ::-1
    ]
    return ArrivalCurve(
        times, share, share * np.sqrt(np.cumsum(hazard)[::-1]), _greatest(ages), len(delays)
    )


def arrival_weights(
    curves: Mapping[object, ArrivalCurve], label: ArrayLike, age: ArrayLike, clip: float = CLIP
) -> Floats:
    """The weight 1/G_y(age) of each arrived label: how many predictions of its class and age it speaks for.

    Raises BadInput for a class without a curve. Weights above `clip` are cut to it.
    """
    labels, ages = np.asarray(label), np.asarray(age, dtype=np.float64)
    weights = np.full(ages.shape, np.nan)
    for c, curve in curves.items():
        rows = labels == c
        with np.errstate(divide="ignore"):
            weights[rows] = np.minimum(1 / curve.at(ages[rows]), clip)
    if np.isnan(weights).any():
        unknown = sorted({str(x) for x in labels[np.isnan(weights)]})
        raise BadInput(
            f"no arrival curve for the class {unknown[0]!r}, expected one of {list(curves)}",
            fix="fit the curves on labels that hold every class",
        )
    return weights


def effective_sample_size(weights: ArrayLike) -> float:
    """How many equally weighted rows are worth as much (Kish): (sum w)^2 / sum w^2; 0 without rows."""
    w = np.asarray(weights, dtype=np.float64)
    return float(w.sum() ** 2 / (w**2).sum()) if len(w) else 0.0


def _checked(delay: ArrayLike, age: ArrayLike) -> tuple[Floats, Floats]:
    delays, ages = np.asarray(delay, dtype=np.float64), np.asarray(age, dtype=np.float64)
    if delays.ndim != 1 or delays.shape != ages.shape:
        raise BadInput(
            f"delay has shape {delays.shape} and age {ages.shape}, expected two columns of one length"
        )
    bad = ~np.isfinite(ages) | (ages < 0) | (delays < 0) | (delays > ages)
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        raise BadInput(
            f"{int(bad.sum()):,} rows have an impossible age or delay: row {i} has delay {delays[i]:g}"
            f" at age {ages[i]:g}, expected 0 <= delay <= age",
            fix="leave out labels that arrived after now or before their prediction",
        )
    return delays, ages


def _greatest(ages: Floats) -> float:
    return float(ages.max()) if len(ages) else 0.0
