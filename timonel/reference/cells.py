"""Columns of any type, counted in the cells of their bins; a value that fits no bin is counted as such."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.frames import hashable, is_number, label, to_arrow
from timonel.reference.bins import CELLS, NULL, Bins, CategoryBins, Codes, NumericBins


def read_cells(bins: Sequence[Bins], columns: Mapping[str, Any], rows: int) -> Codes:
    """The cell of each row's features, (rows, F); a column that is not there is missing in every row."""
    cells = np.full((len(bins), rows), NULL, dtype=np.uint8)
    for j, one in enumerate(bins):
        if one.name in columns:
            cells[j] = column_cells(one, columns[one.name])
    return cells.T


def column_cells(bins: Bins, column: Any) -> Codes:
    """The cell of each value of one column."""
    if isinstance(bins, NumericBins):
        return bins.codes(numbers(column))
    return _category_cells(bins, to_arrow(column))


def count_cells(cells: Codes) -> NDArray[np.int64]:
    """How many rows are in each cell, (F, CELLS)."""
    features = cells.shape[1]
    place = cells.astype(np.intp) + np.arange(features) * CELLS
    return np.bincount(place.ravel(), minlength=features * CELLS).reshape(features, CELLS)


def numbers(column: Any) -> NDArray[np.float64]:
    """A column as float64: NaN where missing, infinite where it holds what is no number."""
    array = to_arrow(column)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    if is_number(array.type):
        return _float64(array)
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return _parsed(array)
    nulls = array.is_null().to_numpy(zero_copy_only=False)
    return np.where(nulls, np.nan, np.inf)


def _float64(array: pa.Array) -> NDArray[np.float64]:
    if not pa.types.is_floating(array.type):
        array = pc.cast(array, pa.float64(), safe=False)
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)


def _parsed(array: pa.Array) -> NDArray[np.float64]:
    try:
        return _float64(pc.cast(pc.utf8_trim_whitespace(array), pa.float64()))
    except pa.ArrowInvalid:
        return np.array([_number(text) for text in array.to_pylist()], dtype=np.float64)


def _number(text: str | None) -> float:
    if text is None or not text.strip():
        return np.nan
    try:
        return float(text)
    except ValueError:
        return np.inf


def _category_cells(bins: CategoryBins, array: pa.Array) -> Codes:
    array = hashable(array)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    values = array.dictionary.to_pylist()
    labels = tuple(None if v is None or v != v or v == "" else label(v) for v in values)
    return bins.codes(labels, array.indices.fill_null(-1).to_numpy(zero_copy_only=False))
