"""Windows as matrices of numbers without NaN, as detectors of other libraries want them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.drift.reference import SortedReference
from timonel.frames import label, named_columns, to_arrow

Floats = NDArray[np.float64]


def tested_columns(reference: SortedReference) -> list[str]:
    """The columns of the matrix, in its order."""
    return [name for name in reference.names if name not in reference.untested]


def encode(reference: SortedReference, window: Any) -> Floats:
    """A window as a matrix without NaN: numbers as they are, categories by the reference's codes.

    Codes count the reference's categories from 0; the next one is for all unseen, the one after for missing.
    A column that the window lacks is missing in every row.
    """
    columns, rows = named_columns(window)
    matrix = np.empty((rows, len(tested_columns(reference))))
    numeric = dict(zip(reference.numeric.names, reference.numeric.columns, strict=True))
    for i, name in enumerate(tested_columns(reference)):
        column = columns.get(name, [None] * rows)
        if name in numeric:
            matrix[:, i] = _filled(_numbers(column), numeric[name].values)
        else:
            codes = {x: float(code) for code, x in enumerate(reference.categorical[name].labels)}
            matrix[:, i] = [_code(x, codes) for x in to_arrow(column).to_pylist()]
    return matrix


def categories_per_feature(reference: SortedReference) -> dict[int, None]:
    """The argument of that name of `TabularDrift` and `ChiSquareDrift`, for `encode`'s matrix."""
    return {i: None for i, n in enumerate(tested_columns(reference)) if n in reference.categorical}


def _code(value: Any, codes: Mapping[str, float]) -> float:
    if value is None or value != value:
        return len(codes) + 1.0
    return codes.get(label(value), float(len(codes)))


def _numbers(column: Any) -> Floats:
    values = to_arrow(column).to_pylist()
    return np.array([np.nan if x is None else float(x) for x in values], dtype=np.float64)


def _filled(values: Floats, reference: Floats) -> Floats:
    """Missing values replaced by evenly spread quantiles of the reference."""
    missing = ~np.isfinite(values)
    count = int(missing.sum())
    if count:
        even = (np.arange(count) + 0.5) / count
        places = (even * len(reference)).astype(int)
        values[missing] = reference[places] if len(reference) else 0.0
    return values
