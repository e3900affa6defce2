"""The bins of a feature, drawn once on the reference: every window is counted in the same ones.

Each feature has CELLS cells: up to BINS for its values, one for what has no place among them (an infinite
number, a category that the reference has not), one for what is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from timonel.reference.lookup import Lookup

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

BINS = 40
OTHER = BINS
"""The cell of infinite numbers, and of categories beyond the listed ones."""
NULL = BINS + 1
"""The cell of missing values."""
CELLS = BINS + 2

TAIL = 0.005
"""The share of values at each end that says nothing about how far apart the bins lie."""
WIDEST = 1e6
"""In sd: a gap counts as no wider, so that a value such as 1e308 leaves every distance finite."""


@dataclass(frozen=True, slots=True, eq=False)
class NumericBins:
    """A number's bins, with edges at quantiles of the reference."""

    name: str
    edges: Floats
    """Ascending, at most BINS - 1; a value that equals an edge lies above it."""
    gaps: Floats
    """The stretch that each edge stands for, in `scale`s: the weights of an integral over the edges."""
    scale: float
    """A robust standard deviation: the smaller of the sd and of the interquartile range / 1.349."""
    _lookup: Lookup = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lookup", Lookup(self.edges))

    @classmethod
    def fit(cls, name: str, values: Floats) -> Self:
        """Draw the bins on the finite ones of `values`; without any, all values share one bin."""
        finite = np.sort(values[np.isfinite(values)])
        if not len(finite):
            return cls(name, np.empty(0), np.empty(0), 1.0)
        if finite[0] == finite[-1]:  # below, equal or above; its effect is the share that left
            return cls(
                name, np.array([finite[0], np.nextafter(finite[0], np.inf)]), np.ones(2), 1.0
            )
        scale = _scale(finite)
        distinct = np.unique(finite)
        if len(distinct) <= BINS:
            return cls(name, distinct[1:], _widths(distinct[:-1], distinct[1:], scale), scale)
        edges = np.unique(np.quantile(finite, np.arange(1, BINS) / BINS, method="higher"))
        ends = np.quantile(finite, [TAIL, 1 - TAIL])
        around = np.concatenate([[min(ends[0], edges[0])], edges, [max(ends[1], edges[-1])]])
        return cls(name, edges, _widths(around[:-2], around[2:], scale) / 2, scale)

    def codes(self, values: Floats) -> Codes:
        """The cell of each value."""
        codes = self._lookup.codes(values)
        odd = ~np.isfinite(values)
        if odd.any():
            codes[odd] = np.where(np.isnan(values[odd]), NULL, OTHER)
        return codes

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        edges, gaps = self.edges.tolist(), self.gaps.tolist()
        return {"name": self.name, "edges": edges, "gaps": gaps, "scale": self.scale}


@dataclass(frozen=True, slots=True)
class CategoryBins:
    """A category's bins: the most frequent values of the reference."""

    name: str
    categories: tuple[str, ...]
    """At most BINS, the most frequent first."""

    @classmethod
    def fit(cls, name: str, counts: Mapping[str, int]) -> Self:
        """Take the most frequent values; of equally frequent ones the alphabetically first."""
        ranked = sorted(counts, key=lambda value: (-counts[value], value))
        return cls(name, tuple(ranked[:BINS]))

    def codes(self, labels: tuple[str | None, ...], at: NDArray[np.integer[Any]]) -> Codes:
        """The cell of each row of a dictionary-coded column: `labels[at]`, `at` < 0 or None is missing."""
        place = {category: i for i, category in enumerate(self.categories)}
        cells = [NULL if x is None else place.get(x, OTHER) for x in labels]
        codes: Codes = np.array([*cells, NULL], dtype=np.uint8)[np.where(at < 0, len(labels), at)]
        return codes

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"name": self.name, "categories": list(self.categories)}


Bins = NumericBins | CategoryBins


def bins_from_dict(saved: Mapping[str, Any]) -> Bins:
    """The inverse of both `to_dict`."""
    if "categories" in saved:
        return CategoryBins(saved["name"], tuple(saved["categories"]))
    edges, gaps = (np.array(saved[key], dtype=np.float64) for key in ("edges", "gaps"))
    return NumericBins(saved["name"], edges, gaps, float(saved["scale"]))


def _widths(low: Floats, high: Floats, scale: float) -> Floats:
    with np.errstate(over="ignore"):
        return np.minimum((high - low) / scale, WIDEST)


def _scale(ordered: Floats) -> float:
    # halves: the spread of values near the largest double would overflow
    low, high = np.quantile(ordered, [0.25, 0.75])
    within = float(high / 1.349 - low / 1.349)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(np.std(ordered))
    candidates = [x for x in (within, spread) if np.isfinite(x) and x > 0]
    return min(candidates) if candidates else 1.0
