"""Effect sizes of two histograms: how far apart, whatever the number of rows.

They are read beside the p-value, never instead: each of them grows with fewer rows where nothing has changed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effects:
    """One entry a feature; NaN where a side has no rows."""

    tv: Floats
    """Total variation: the share of rows that would have to change their bin, 0 to 1."""
    psi: Floats
    """Population stability index; an empty bin counts as half a row."""
    js: Floats
    """Jensen-Shannon distance, base 2, 0 to 1."""


def effects(counts: Counts) -> Effects:
    """Compare histograms on the same bins: (2, features, bins), the reference first."""
    totals = counts.sum(2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q = shares = counts / totals
        middle = (p + q) / 2
        terms = shares * np.log2(shares / middle)
        floored = np.maximum(counts, 0.5) / totals
        divergence = np.where(counts > 0, terms, 0.0).sum((0, 2)) / 2
        stability = (floored[1] - floored[0]) * np.log(floored[1] / floored[0])
        known = totals.all((0, 2))
        return Effects(
            tv=np.abs(p - q).sum(1) / 2,
            psi=np.where(known, np.where(middle > 0, stability, 0.0).sum(1), np.nan),
            js=np.where(known, np.sqrt(np.clip(divergence, 0.0, 1.0)), np.nan),
        )
