"""One number for the drift of a window: its largest effect over the features, with an interval."""

import math
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.effects import Floats, Measure, effects, measures, shares, unit
from timonel.performance.value import Measured, State
from timonel.reference.bins import Bins

Counts = NDArray[np.integer[Any]]

LEAST_ROWS = 30
"""With fewer rows on either side no feature says anything."""
CONFIDENCE = 0.95


def data_drift_score(counts: Counts, reference_counts: Counts, bins: tuple[Bins, ...]) -> Measured:
    """The largest effect of (F, 42) counts: W1 in sd for numbers, twice the total variation for categories.

    So .2 is worth a ticket in both. The interval is the delta method's for each feature, at a level that
    Bonferroni shares among them, since the largest is looked for; rows are taken as independent.
    """
    rows = np.minimum(counts.sum(-1), reference_counts.sum(-1))
    n = int(counts.sum(-1).max(initial=0))
    if not rows.any():
        return Measured.absent(State.NO_DATA, n)
    if rows.max() < LEAST_ROWS:
        return Measured.absent(State.TOO_FEW, n)
    told = rows >= LEAST_ROWS
    units = np.array([unit(b) for b in bins])
    found = (effects(counts, reference_counts, bins) / units)[told]
    errors = [
        _error(counts[j], reference_counts[j], bins[j]) / units[j] for j in np.flatnonzero(told)
    ]
    reach = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / len(found)) * np.array(errors)
    lower, upper = max(0.0, (found - reach).max()), (found + reach).max()
    return Measured(float(found.max()), float(lower), float(upper), n)


def _error(counts: Counts, reference: Counts, bins: Bins) -> float:
    """The standard error of a feature's effect: the largest of its measures'."""
    return max(_standard_error(m, counts, reference) for m in measures(bins))


def _standard_error(measure: Measure, counts: Counts, reference: Counts) -> float:
    """A sum of absolute differences is, near where it is, linear in the shares of the cells."""
    (p, n), (q, m) = shares(measure, counts), shares(measure, reference)
    if not (n > 0 and m > 0):
        return 0.0
    slope = measure.into @ (np.sign(p - q) * measure.weights)
    sides = (counts * measure.counted, reference * measure.counted)
    return math.sqrt(sum(_variance(slope, side) for side in sides))


def _variance(slope: Floats, counts: Floats) -> float:
    """Of the mean of `slope` over the rows."""
    share = counts / counts.sum()
    return float((share @ slope**2 - (share @ slope) ** 2) / counts.sum())
