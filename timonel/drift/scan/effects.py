"""How far a window lies from its reference, with the part taken off that chance alone would show.

Numbers: Wasserstein-1 in standard deviations of the reference,

    e = sum |F_window - F_reference| gap - sqrt(2/pi) sum sqrt(F (1 - F) (1/n + 1/m)) gap

over the edges of the bins; or, if that is more, twice the total variation of (a value, infinite, missing), so
that a burst of missing values is seen. Categories: total variation over all cells, missing and unseen ones
too, less its noise in the same way. Half of a total variation stands beside one standard deviation.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.reference.bins import BINS, CELLS, NULL, OTHER, Bins, NumericBins

Floats = NDArray[np.float64]
Counts = NDArray[np.integer[Any]]


class Kind(StrEnum):
    """What a distance looks at."""

    VALUES = "values"
    """Wasserstein-1 of a number's finite values, in sd."""
    PRESENCE = "missing or infinite"
    """Twice the total variation of (a value, infinite, missing)."""
    SHARES = "shares"
    """Total variation of a category's values, missing and unseen ones too."""


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """A distance that is a weighted sum of absolute differences of shares."""

    kind: Kind
    into: Floats
    """(42, C): the shares of which the counts of the cells make up."""
    weights: Floats
    """(C,)"""
    counted: Floats
    """(42,) 1 for the cells whose rows count."""

    def distance(self, difference: Floats, variance: Floats, rows: Floats) -> Floats:
        """The distance less its noise: (..., C), (..., C), (...) -> (...); NaN without rows.

        `difference` is of counts from expected ones, `variance` that of chance.
        """
        noise = np.minimum(
            np.sqrt(2 / np.pi * variance), 2 * variance
        )  # rare: never twice its mean
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((np.abs(difference) - noise) @ self.weights / rows)


def measures(bins: Bins) -> tuple[Measure, ...]:
    """The distances of a feature; its effect is the largest of them."""
    every = np.ones(CELLS)
    if not isinstance(bins, NumericBins):
        return (Measure(Kind.SHARES, np.eye(CELLS), np.full(CELLS, 0.5), every),)
    values = (np.arange(CELLS) < BINS).astype(np.float64)
    below = (np.arange(CELLS)[:, None] <= np.arange(len(bins.edges))).astype(np.float64)
    kinds = np.stack([values, np.arange(CELLS) == OTHER, np.arange(CELLS) == NULL], axis=1)
    return (
        Measure(Kind.VALUES, below, bins.gaps, values),
        Measure(Kind.PRESENCE, kinds.astype(np.float64), np.ones(3), every),
    )


def unit(bins: Bins) -> float:
    """What an effect of 1 sd is in the feature's own unit: 1, or .5 of a total variation."""
    return 1.0 if isinstance(bins, NumericBins) else 0.5


def shares(measure: Measure, reference: Counts) -> tuple[Floats, Floats]:
    """Of reference counts (..., 42): its shares (..., C) and rows (...); without rows shares of 0."""
    rows = reference @ measure.counted
    return (reference @ measure.into) / np.maximum(rows, 1)[..., None], rows


def effects(counts: Counts, reference_counts: Counts, bins: tuple[Bins, ...]) -> Floats:
    """The effect of each feature: (..., F, 42) against (F, 42) -> (..., F).

    In standard deviations for numbers, total variation for categories; 0 where chance explains all, NaN
    where a side has no rows.
    """
    found = [
        _effect(counts[..., j, :], reference_counts[j], feature) for j, feature in enumerate(bins)
    ]
    return np.stack(found, axis=-1) if found else np.zeros((*counts.shape[:-2], 0))


def debiased(measure: Measure, counts: Counts, reference: Counts) -> Floats:
    """One distance, (..., 42) against (42,), less its noise: (...); NaN where a side has no rows."""
    expected, base = shares(measure, reference)
    n: Floats = np.asarray(counts @ measure.counted)
    if not base > 0:
        return np.full(n.shape, np.nan)
    difference: Floats = counts @ measure.into - n[..., None] * expected
    doubt: Floats = np.asarray(n * (1 + n / base))
    return measure.distance(difference, doubt[..., None] * (expected * (1 - expected)), n)


def _effect(counts: Counts, reference: Counts, bins: Bins) -> Floats:
    known = (counts.sum(-1) > 0) & (reference.sum() > 0)
    largest = np.where(known, 0.0, np.nan)
    for measure in measures(bins):
        largest = np.fmax(largest, debiased(measure, counts, reference))
    return np.where(known, largest, np.nan)
