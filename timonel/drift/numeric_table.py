"""The numeric columns of a reference, laid out so that a window is compared with all of them at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from timonel.drift.columns import Numbers, distinct
from timonel.drift.lookup import LookupTable, lookup_table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 10
"""Bins, on the reference's quantiles, of the effect sizes that need bins."""
FINE = 32
"""Edges of a fine grid in each bin, which spare looking up most of a window's values."""
EDGES = BINS * FINE - 1
FEW_VALUES = 20
"""A numeric column of at most so many different values is tested as categories: ties blind KS."""
POINT_MASS = 0.02
"""A value that this share of the reference takes is tested by itself too: its ties blind KS."""
KEPT_PLANS = 4
"""Sizes of windows whose plan is kept."""


@dataclass(frozen=True, slots=True)
class NumericColumn:
    """A numeric column of the reference and what is known of it in advance."""

    values: Floats
    missing: int
    few: Numbers | None
    """The column itself, where it takes few values."""
    mass: tuple[float, int] | None
    """The most frequent value of a continuous column and its rows, where they are many."""


@dataclass(frozen=True, slots=True)
class NumericTable:
    """All numeric columns laid end to end, so that a window is looked up in all of them at once."""

    names: tuple[str, ...]
    columns: tuple[NumericColumn, ...]
    rows: Ints
    missing: Ints
    lookup: LookupTable
    prefix: Floats
    """Sums of the standardised values before each row, all columns end to end."""
    start: Ints
    """Where each column begins in `prefix` and `ordered`."""
    ordered: Floats
    """All columns end to end, the last value of each twice."""
    slope: Floats
    intercept: Floats
    """slope x + intercept is x in the reference's standard deviations from its median; NaN if constant."""
    edges: Floats
    """Per column, the inner quantiles: FINE a bin, BINS FINE - 1 in all."""
    below: Ints
    """Per column, its rows up to and including each of these."""
    bins: Ints
    """Per column, the rows in each of its BINS bins."""
    plans: dict[int, "WindowPlan"] = field(default_factory=dict, compare=False)
    """What windows of a size have in common, kept for the sizes seen last."""

    def plan(self, which: Ints, size: int) -> "WindowPlan":
        """What windows of that many rows need to know of the columns `which`."""
        if len(which) < len(self.names):
            return window_plan(self, which, size)
        if size not in self.plans:
            if len(self.plans) >= KEPT_PLANS:
                self.plans.clear()
            self.plans[size] = window_plan(self, which, size)
        return self.plans[size]


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """The reference's quantiles, cut into as many even stretches as a window has rows."""

    mean: Floats
    """Mean of the reference in each stretch, (columns, rows of the window)."""
    radius: Floats
    """No value of a stretch is farther from its mean."""
    sums: Floats
    """Of the standardised values before the first stretch, the second, ..., the end."""


def window_plan(table: NumericTable, which: Ints, size: int) -> WindowPlan:
    """Stretch j of a column of n rows holds its sorted rows from j n / size to (j + 1) n / size."""
    rows, start = table.rows[which, None], table.start[which, None]
    edges = rows * (np.arange(size + 1) / size)
    sums = _running_sum(table, edges, rows, start)
    slope, intercept = table.slope[which, None], table.intercept[which, None]
    mean = (np.diff(sums, axis=1) * (size / rows) - intercept) / slope
    first = np.minimum(edges[:, :-1].astype(np.int64), rows - 1)
    last = np.minimum(np.ceil(edges[:, 1:]).astype(np.int64) - 1, rows - 1)
    least, greatest = table.ordered.take(first + start), table.ordered.take(last + start)
    return WindowPlan(mean, np.maximum(mean - least, greatest - mean), sums)


def _running_sum(table: NumericTable, edges: Floats, rows: Ints, start: Ints) -> Floats:
    """The sum of a column's standardised values before each edge, an edge counting rows and parts of rows."""
    whole = np.minimum(edges.astype(np.int64), rows - 1)
    low = table.prefix.take(whole + start)
    return np.asarray(low + (edges - whole) * (table.prefix.take(whole + start + 1) - low))


def numeric_table(columns: Mapping[str, Numbers]) -> NumericTable:
    """Lay the columns end to end and work out what every window needs."""
    held = tuple(_numeric_column(c) for c in columns.values())
    rows = np.array([len(c.values) for c in held], dtype=np.int64)
    below = np.array([_below(c.values) for c in held], dtype=np.int64).reshape(-1, EDGES)
    upto = np.column_stack([below[:, FINE - 1 :: FINE], rows])
    scales = [_standardisation(c.values) for c in held]
    return NumericTable(
        names=tuple(columns),
        columns=held,
        rows=rows,
        missing=np.array([c.missing for c in held], dtype=np.int64),
        lookup=lookup_table([c.values for c in held]),
        prefix=np.concatenate(
            [np.empty(0), *(_prefix(c.values, *s) for c, s in zip(held, scales, strict=True))]
        ),
        start=np.cumsum(rows + 1) - rows - 1,
        ordered=np.concatenate([np.empty(0), *(_ended(c.values) for c in held)]),
        slope=np.array([slope for slope, _ in scales], dtype=np.float64),
        intercept=np.array([intercept for _, intercept in scales], dtype=np.float64),
        edges=np.array([_edges(c.values) for c in held], dtype=np.float64).reshape(-1, EDGES),
        below=below,
        bins=np.diff(upto, axis=1, prepend=0),
    )


def _numeric_column(column: Numbers) -> NumericColumn:
    values = column.values
    if not len(values):
        return NumericColumn(values, column.missing, None, None)
    different, runs = distinct(values)
    if len(different) <= FEW_VALUES and len(values) >= 10 * len(different):
        return NumericColumn(values, column.missing, column, None)
    at = int(runs.argmax())
    heavy = runs[at] >= max(POINT_MASS * len(values), 10)
    mass = (float(different[at]), int(runs[at])) if heavy else None
    return NumericColumn(values, column.missing, None, mass)


def _standardisation(values: Floats) -> tuple[float, float]:
    if not len(values) or values[0] == values[-1]:
        return float("nan"), float("nan")
    # squares of huge numbers overflow: the deviation is taken of smaller ones
    shrink = 2.0 ** -float(np.frexp(max(abs(values[0]), abs(values[-1])))[1])
    small = values * shrink
    middle, deviation = float(np.median(small)), float(small.std())
    if deviation == 0.0 or not np.isfinite(shrink / deviation):
        return float("nan"), float("nan")
    return shrink / deviation, -middle / deviation


def _prefix(values: Floats, slope: float, intercept: float) -> Floats:
    return np.concatenate([[0.0], np.cumsum(values * slope + intercept)])


def _ended(values: Floats) -> Floats:
    return np.append(values, values[-1] if len(values) else np.nan)


def _edges(values: Floats) -> Floats:
    if not len(values):
        return np.full(EDGES, np.nan)
    at = np.ceil(np.arange(1, EDGES + 1) * len(values) / (EDGES + 1)).astype(int) - 1
    return np.asarray(values[at])


def _below(values: Floats) -> Ints:
    return np.searchsorted(values, _edges(values), side="right").astype(np.int64)
