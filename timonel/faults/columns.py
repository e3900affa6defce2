"""Reading and rewriting single columns of an Arrow table; rows that are not named keep their bits."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel.errors import BadInput
from timonel.faults.layout import BoolArray, FloatArray, IntArray, Label

MICROSECONDS = pa.timestamp("us")


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without dictionary encoding."""
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column


def present(table: pa.Table, name: str) -> BoolArray:
    """Which rows have a value."""
    return np.asarray(table[name].is_valid())


def is_numeric(kind: pa.DataType) -> bool:
    """Whether a column of this type is measured: an integer or a float."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds strings, dictionary-encoded ones too."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def numbers(table: pa.Table, name: str) -> FloatArray:
    """The values as the nearest float64, NaN where missing; any other type is a `BadInput`."""
    kind = table.schema.field(name).type
    if not is_numeric(kind):
        raise BadInput(
            f"column {name} holds {kind}; expected integers or floats",
            fix="name a numeric column in columns=",
        )
    return np.asarray(table[name].cast(pa.float64(), safe=False), dtype=np.float64)


def micros(table: pa.Table, name: str) -> IntArray:
    """Instants as microseconds since 1970 UTC; a missing one is the smallest int64."""
    kind = table.schema.field(name).type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise BadInput(
            f"column {name} holds {kind}; expected timestamps or dates",
            fix=f"cast {name} to a timestamp first, or name another column in the layout",
        )
    instants = table[name].cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
    whole = pc.fill_null(instants.cast(pa.int64()), np.iinfo(np.int64).min)
    return np.asarray(whole, dtype=np.int64)


def class_index(table: pa.Table, name: str, classes: tuple[Label, ...]) -> IntArray:
    """The position of each value in `classes`, -1 where missing; a value not in it is a `BadInput`."""
    column = plain(table[name])
    found = pc.fill_null(pc.index_in(column, class_values(classes, column.type, name)), -1)
    index = np.asarray(found, dtype=np.int64)
    unknown = (index < 0) & present(table, name)
    if unknown.any():
        value = column[int(np.flatnonzero(unknown)[0])].as_py()
        raise BadInput(
            f"column {name} holds {value!r}, which is none of the classes {classes}",
            fix="give Layout(classes=...), the positive class last",
        )
    return index


def class_values(classes: tuple[Label, ...], kind: pa.DataType, name: str) -> pa.Array:
    """The classes in a column's own type."""
    try:
        return pa.array(classes).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        raise BadInput(
            f"column {name} holds {kind}; the classes are {classes}",
            fix="give Layout(classes=...) the values that the column holds, the positive one last",
        ) from None


def place(table: pa.Table, name: str, rows: BoolArray, values: Any) -> pa.Table:
    """The table with `values` (one a row) in the chosen rows; type and order of columns stay.

    numpy values are rounded and clipped to an integer column's range, NaN becoming null there.
    """
    index = table.schema.get_field_index(name)
    field = table.schema.field(index)
    old = plain(table[name])
    fresh = typed(values, old.type) if isinstance(values, np.ndarray) else values
    merged = pc.if_else(pa.array(rows), fresh, old)
    if pa.types.is_dictionary(field.type):
        merged = pc.dictionary_encode(merged).cast(field.type)
    if merged.null_count:
        field = field.with_nullable(True)
    return table.set_column(index, field, merged)


def typed(values: np.ndarray[Any, Any], kind: pa.DataType) -> pa.Array:
    """numpy values in an Arrow type."""
    if not pa.types.is_integer(kind) or values.dtype.kind != "f":
        return pa.array(values).cast(kind)
    limits = np.iinfo(kind.to_pandas_dtype())
    missing = np.isnan(values)
    # the greatest int64 is no float64: the next float below it is
    top = np.nextafter(float(limits.max) + 1, 0)
    whole = np.clip(np.round(np.where(missing, 0, values)), limits.min, top)
    return pa.array(whole.astype(limits.dtype), kind, mask=missing)


def converted(table: pa.Table, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    """A column's values in the type of another one: numbers as numbers, strings as strings."""
    column = plain(table[name])
    if is_numeric(kind) and is_numeric(column.type):
        fresh = typed(numbers(table, name), kind)
        return pc.if_else(column.is_valid(), fresh, pa.scalar(None, kind))
    return column.cast(kind)


def postponed(table: pa.Table, name: str, rows: BoolArray, by: IntArray) -> pa.Table:
    """The table with the instants of the chosen rows `by` microseconds later (one a row)."""
    kind = table.schema.field(name).type
    # a missing instant stays missing, whatever it is delayed by
    rows = rows & present(table, name)
    later = micros(table, name) + np.where(rows, by, 0)
    fresh = pa.array(later).cast(pa.timestamp("us", getattr(kind, "tz", None)))
    return place(table, name, rows, fresh.cast(kind, safe=False))


def pick(rows: BoolArray, share: float, rng: np.random.Generator) -> BoolArray:
    """A share of the chosen rows at random: exactly round(share x n), of some rows at least one."""
    candidates = np.flatnonzero(rows)
    chosen = np.zeros(len(rows), dtype=np.bool_)
    if len(candidates) and share > 0:
        count = max(1, round(share * len(candidates)))
        chosen[rng.choice(candidates, count, replace=False)] = True
    return chosen


def standardised(values: FloatArray) -> FloatArray:
    """The values in standard deviations from their mean; 0 where not finite, or where none differ."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros_like(values)
    # scaled first: the square of 1e308 is no float
    scaled = np.where(known, values, 0.0) / (np.abs(values[known]).max() or 1.0)
    spread = scaled[known].std() or 1.0
    return np.where(known, (scaled - scaled[known].mean()) / spread, 0.0)


def log_odds(score: FloatArray) -> FloatArray:
    """The log-odds of probabilities, those of 0 and 1 bounded; NaN stays."""
    bounded = np.clip(score, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(bounded / (1 - bounded)))


def probability(logit: FloatArray) -> FloatArray:
    """The inverse of `log_odds`, without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -700, 700))))
