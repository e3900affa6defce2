"""Two tables as one matrix of numbers, for tests that look at all columns together.

Nothing here knows which row belongs to which table: every column is made from both of them pooled, so a
permutation test on the matrix is exact.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.drift.columns import Categories, Numbers, read_column
from timonel.frames import label, named_columns, to_arrow

Floats = NDArray[np.float64]

CATEGORIES = 20
"""The most frequent categories of a column have a column each, the others share one."""
PAIRED = 24
"""Up to so many numeric columns the products of pairs are columns too: they show changed correlations."""


@dataclass(frozen=True, slots=True)
class Design:
    """The pooled rows, those of the reference first; columns have mean 0 and standard deviation 1."""

    matrix: Floats
    sources: tuple[str, ...]
    """The feature behind each column; of a product both, joined by ' x '."""
    rows_reference: int
    paired: bool
    """Whether the products of pairs are in it."""


def design(reference: Any, current: Any, categorical: Iterable[str] = ()) -> Design:
    """The columns that both tables have: rank scores, their squares and products, categories, missing."""
    before, rows = named_columns(reference)
    now, _ = named_columns(current)
    codes = set(categorical)
    scores: dict[str, Floats] = {}
    others: list[tuple[str, Floats]] = []
    for name in (n for n in before if n in now):
        kind = read_column(before[name], name in codes)
        if isinstance(kind, Numbers):
            values = np.concatenate([_floats(before[name]), _floats(now[name])])
            missing = ~np.isfinite(values)
            scores[name] = rank_scores(values, missing)
            others.append((name, missing.astype(np.float64)))
        elif isinstance(kind, Categories):
            others.extend((name, c) for c in _indicators(before[name], now[name]))
    paired = len(scores) <= PAIRED
    found = _standardised([*_powers(scores, paired), *others])
    matrix = np.column_stack([c for _, c in found]) if found else np.empty((0, 0))
    return Design(matrix, tuple(name for name, _ in found), rows, paired)


def rank_scores(values: Floats, missing: NDArray[np.bool_]) -> Floats:
    """Mid-ranks of what is there, centred, between -1 and 1; 0 for what is missing."""
    scores = np.zeros(len(values))
    present = values[~missing]
    if len(present):
        _, place, count = np.unique(present, return_inverse=True, return_counts=True)
        middle = np.cumsum(count) - (count - 1) / 2
        scores[~missing] = (2 * middle[place] - 1) / len(present) - 1
    return scores


def _powers(scores: Mapping[str, Floats], paired: bool) -> list[tuple[str, Floats]]:
    names = list(scores)
    found = [(name, scores[name]) for name in names]
    found += [(name, scores[name] ** 2) for name in names]
    if paired:
        found += [
            (f"{a} x {b}", scores[a] * scores[b])
            for i, a in enumerate(names)
            for b in names[i + 1 :]
        ]
    return found


def _standardised(columns: list[tuple[str, Floats]]) -> list[tuple[str, Floats]]:
    found = []
    for name, column in columns:
        deviation = column.std() if len(column) else 0.0
        if deviation > 1e-9:
            found.append((name, (column - column.mean()) / deviation))
    return found


def _floats(column: Any) -> Floats:
    """A column as numbers in its order; NaN for what is missing or is none."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "fiub":
        return column.astype(np.float64)
    return np.array([_number(x) for x in to_arrow(column).to_pylist()], dtype=np.float64)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _labels(column: Any) -> list[str | None]:
    values = to_arrow(column).to_pylist()
    return [None if x is None or x != x else label(x) for x in values]


def _indicators(before: Any, now: Any) -> list[Floats]:
    """One column for each frequent category, one for the others, one for what is missing."""
    labels = [*_labels(before), *_labels(now)]
    counts: dict[str | None, int] = {}
    for value in labels:
        counts[value] = counts.get(value, 0) + 1
    frequent = sorted((x for x in counts if x is not None), key=lambda x: (-counts[x], x))
    code: dict[str | None, int] = {x: min(i, CATEGORIES) for i, x in enumerate(frequent)}
    code[None] = CATEGORIES + 1
    codes = np.array([code[x] for x in labels])
    return [(codes == c).astype(np.float64) for c in sorted(set(code.values()))]
