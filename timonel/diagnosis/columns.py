"""Feature columns of both sides in the same terms: values, and codes for the learner."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.diagnosis.learner import BINS
from timonel.diagnosis.loss import Floats
from timonel.diagnosis.rows import Rows, numbers

MISSING = BINS - 1
OTHER = BINS - 2
LISTED = BINS - 2
MANY = 1000
"""A column of strings with more distinct values than this is told by their lengths."""

Codes = NDArray[np.uint8]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Column:
    """A feature on both sides: numbers, or places in `labels` as numbers; NaN is missing."""

    name: str
    labels: tuple[str, ...] | None
    """The categories, the reference's by frequency, then those it has not. None: a number."""
    known: int
    """How many of the labels the reference (or the contract) knows."""
    reference: Floats
    current: Floats

    @property
    def numeric(self) -> bool:
        """Whether it is a number."""
        return self.labels is None

    def codes(self) -> tuple[Codes, Codes]:
        """Bins of both sides, cut at quantiles of the two together."""
        if self.labels is not None:
            return _category_codes(self.reference), _category_codes(self.current)
        both = np.concatenate([_some(self.reference), _some(self.current)])
        edges = np.unique(np.quantile(both, np.arange(1, LISTED) / LISTED)) if len(both) else both
        return _bins(self.reference, edges), _bins(self.current, edges)


def read_column(
    name: str, reference: Rows, current: Rows, allowed: frozenset[str]
) -> Column | None:
    """A column of both sides; None where its type says nothing (times, lists).

    `allowed` are categories that the contract knows.
    """
    kinds = [_kind(side.table, name) for side in (reference, current)]
    if all(_is_number(kind) for kind in kinds):
        values = [numbers(side.table, name, len(side)) for side in (reference, current)]
        return Column(name, None, 0, *values)
    if not all(
        _is_number(k) or pa.types.is_string(k) or pa.types.is_large_string(k) for k in kinds
    ):
        return None
    labels, at = reference.words(name)
    if len(labels) > MANY:
        return _lengths(name, reference, current)
    return _categories(name, (labels, at), current.words(name), allowed)


def _categories(
    name: str,
    reference: tuple[tuple[str, ...], Ints],
    current: tuple[tuple[str, ...], Ints],
    allowed: frozenset[str],
) -> Column:
    labels, at = reference
    frequent = np.argsort(-np.bincount(at[at >= 0], minlength=len(labels)), kind="stable")
    known = [labels[i] for i in frequent]
    known += sorted(allowed - set(known))
    every = [*known, *sorted(set(current[0]) - set(known))]
    place = {label: float(i) for i, label in enumerate(every)}
    sides = []
    for words, rows in (reference, current):
        table = np.array([*(place[word] for word in words), np.nan])
        sides.append(table[rows])
    return Column(name, tuple(every), len(known), sides[0], sides[1])


def _lengths(name: str, reference: Rows, current: Rows) -> Column:
    sides = []
    for side in (reference, current):
        words, at = side.words(name)
        table = np.array([*(float(len(word)) for word in words), np.nan])
        sides.append(table[at])
    return Column(name, None, 0, sides[0], sides[1])


def _kind(table: pa.Table, name: str) -> pa.DataType:
    """The type of its values, without dictionary encoding."""
    kind = table.schema.field(name).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
    )


def _some(values: Floats) -> Floats:
    known = values[~np.isnan(values)]
    return known[:: max(1, len(known) // 20_000)]


def _bins(values: Floats, edges: Floats) -> Codes:
    at = edges.searchsorted(values, side="right")
    return np.where(np.isnan(values), MISSING, np.minimum(at, LISTED)).astype(np.uint8)


def _category_codes(values: Floats) -> Codes:
    at = np.nan_to_num(values, nan=0.0).astype(np.int64)
    return np.where(np.isnan(values), MISSING, np.minimum(at, OTHER)).astype(np.uint8)
