"""The columns of a window: numbers as float64, categories as counts; what is missing is counted.

NaN, null and infinite numbers are missing; so are null and NaN categories.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.frames import as_text, is_missing, is_number, label, to_arrow


@dataclass(frozen=True, slots=True)
class Numbers:
    """A numeric column: its finite values in ascending order."""

    values: NDArray[np.float64]
    missing: int


@dataclass(frozen=True, slots=True)
class Categories:
    """A categorical column: the rows of each value."""

    labels: tuple[str, ...]
    counts: NDArray[np.int64]
    missing: int


@dataclass(frozen=True, slots=True)
class Untested:
    """A column that no test of drift fits, and why."""

    reason: str


Column = Numbers | Categories | Untested


def read_column(column: Any, categorical: bool) -> Column:
    """One column of a window; `categorical` reads numbers as codes."""
    if not categorical and isinstance(column, np.ndarray) and column.dtype.kind in "fiub":
        return sorted_numbers(column)
    array = to_arrow(column)
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _counted(array)
    if pa.types.is_boolean(kind):
        array = array.cast(pa.int8())
    if is_number(array.type) and not categorical:
        return sorted_numbers(_numpy(array))
    if pa.types.is_temporal(kind):
        return Untested("a time always moves on")
    return _counted(array if _has_labels(array.type) else as_text(array))


def sorted_numbers(values: NDArray[Any]) -> Numbers:
    """The finite values, sorted; all others are counted as missing."""
    ordered = np.array(values, dtype=np.float64).ravel()
    ordered.sort()  # NaN goes last
    rows = len(ordered)
    if rows and not (math.isfinite(ordered[0]) and math.isfinite(ordered[-1])):
        ordered = ordered[np.isfinite(ordered)]
    return Numbers(ordered, rows - len(ordered))


def sorted_together(columns: Mapping[str, Any]) -> dict[str, Numbers]:
    """Those columns that hold float64 values, in whatever container, sorted in one go."""
    held = ((name, _float64(column)) for name, column in columns.items())
    plain = {name: values for name, values in held if values is not None}
    if not plain:
        return {}
    matrix = np.stack(list(plain.values()))
    matrix.sort(axis=1)
    whole = np.isfinite(matrix[:, :1]).all(1) & np.isfinite(matrix[:, -1:]).all(1)
    return {
        name: Numbers(matrix[i], 0) if whole[i] else sorted_numbers(matrix[i])
        for i, name in enumerate(plain)
    }


def _float64(column: Any) -> NDArray[np.float64] | None:
    """The column's values, without a copy where they are float64; None for any other type."""
    if isinstance(column, pa.ChunkedArray) and column.type == pa.float64():
        column = column.to_numpy()
    elif isinstance(column, pa.Array) and column.type == pa.float64():
        column = column.to_numpy(zero_copy_only=False)
    elif hasattr(column, "iloc") and column.dtype == np.float64:
        column = column.to_numpy()
    plain = isinstance(column, np.ndarray) and column.dtype == np.float64 and column.ndim == 1
    return column if plain else None


def as_categories(column: Numbers) -> Categories:
    """Numbers read as codes: 3.0 is '3'."""
    values, counts = distinct(column.values)
    return Categories(tuple(map(label, values.tolist())), counts, column.missing)


def distinct(ordered: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The different values of sorted ones, and the rows of each."""
    if not len(ordered):
        return ordered, np.zeros(0, dtype=np.int64)
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    return ordered[ends], np.diff(ends, prepend=-1)


def as_numbers(column: Categories) -> Numbers | None:
    """Categories read as numbers; None unless all of them are."""
    try:
        values = np.array([float(x) for x in column.labels], dtype=np.float64)
    except ValueError:
        return None
    read = sorted_numbers(np.repeat(values, column.counts))
    return Numbers(read.values, read.missing + column.missing)


def _counted(array: pa.Array) -> Categories:
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    labels = [None if is_missing(x) else label(x) for x in array.dictionary.to_pylist()]
    codes = array.indices.drop_null() if array.indices.null_count else array.indices
    counts = np.bincount(codes.to_numpy(zero_copy_only=False), minlength=len(labels))
    return _merged(labels, counts.astype(np.int64), len(array))


def _merged(labels: list[str | None], counts: NDArray[np.int64], rows: int) -> Categories:
    """The categories that occur, each once; a dictionary may repeat, miss or not use a value."""
    total: dict[str, int] = {}
    for name, count in zip(labels, counts.tolist(), strict=True):
        if name is not None and count:
            total[name] = total.get(name, 0) + count
    held = np.fromiter(total.values(), dtype=np.int64, count=len(total))
    return Categories(tuple(total), held, rows - int(held.sum()))


def _numpy(array: pa.Array) -> NDArray[Any]:
    if not pa.types.is_floating(array.type) and not pa.types.is_integer(array.type):
        array = pc.cast(array, pa.float64(), safe=False)
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)


def _has_labels(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or is_number(kind))
