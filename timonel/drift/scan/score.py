"""One number for the drift of a window: its largest effect over the features, with an interval."""

import math
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.effects import Floats, Measure, debiased, measures, shares, unit
from timonel.performance.value import Measured, State
from timonel.reference.bins import Bins

Counts = NDArray[np.integer[Any]]

LEAST_ROWS = 30
"""With fewer rows on either side no feature says anything."""
CONFIDENCE = 0.95


def data_drift_score(counts: Counts, reference_counts: Counts, bins: tuple[Bins, ...]) -> Measured:
    """The largest effect of (F, 42) counts: W1 in sd for numbers, twice the total variation for categories.

    So .2 is worth a ticket in both. The interval: the delta method's for each distance, at a level that
    Bonferroni shares among them, since the largest is looked for. Its upper end keeps the noise that the
    value is rid of, since chance adds nothing to a drift that is plain. Rows are taken as independent.
    """
    rows = np.minimum(counts.sum(-1), reference_counts.sum(-1))
    n = int(counts.sum(-1).max(initial=0))
    if not rows.any():
        return Measured.absent(State.NO_DATA, n)
    if rows.max() < LEAST_ROWS:
        return Measured.absent(State.TOO_FEW, n)
    ends = [
        np.array(_ends(measure, counts[j], reference_counts[j])) / unit(bins[j])
        for j in np.flatnonzero(rows >= LEAST_ROWS)
        for measure in measures(bins[j])
    ]
    reach = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / len(ends))
    value = max(0.0, *(clean for clean, _, _ in ends))
    lower = max(0.0, *(clean - reach * error for clean, _, error in ends))
    upper = max(value, *(raw + reach * error for _, raw, error in ends))
    return Measured(float(value), float(lower), float(upper), n)


def _ends(measure: Measure, counts: Counts, reference: Counts) -> tuple[float, float, float]:
    """A distance without its noise, with it, and its standard error.

    A sum of absolute differences is, near where it is, linear in the shares of the cells.
    """
    (p, n), (q, m) = shares(measure, counts), shares(measure, reference)
    if not (n > 0 and m > 0):
        return 0.0, 0.0, 0.0
    slope = measure.into @ (np.sign(p - q) * measure.weights)
    sides = (counts * measure.counted, reference * measure.counted)
    error = math.sqrt(sum(_variance(slope, side) for side in sides))
    clean = float(debiased(measure, counts, reference))
    return clean, float(np.abs(p - q) @ measure.weights), error


def _variance(slope: Floats, counts: Floats) -> float:
    """Of the mean of `slope` over the rows."""
    share = counts / counts.sum()
    return max(0.0, float(share @ slope**2 - (share @ slope) ** 2)) / float(counts.sum())
