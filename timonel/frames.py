"""Tables of any make, column by column: pyarrow, pandas, polars, or a mapping from names to arrays."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from timonel.errors import BadInput


def named_columns(data: Any) -> tuple[dict[str, Any], int]:
    """The columns of a table by name, and its rows."""
    if isinstance(data, pa.Table | pa.RecordBatch):
        return _unique(zip(data.schema.names, data.columns, strict=True)), int(data.num_rows)
    if isinstance(data, Mapping):
        columns = {str(name): _sized(name, column) for name, column in data.items()}
        return columns, _common_length(columns)
    if hasattr(data, "to_arrow"):
        return named_columns(data.to_arrow())
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        names = [str(name) for name in data.columns]
        return _unique((n, data.iloc[:, i]) for i, n in enumerate(names)), len(data)
    raise BadInput(
        f"a table is a {type(data).__name__}, expected a pyarrow Table, a pandas or polars"
        " DataFrame or a mapping from names to arrays"
    )


def to_arrow(column: Any) -> pa.Array:
    """A column as one Arrow array; what Arrow cannot hold as one type becomes text."""
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(column, pa.Array):
        return column
    try:
        array = pa.array(column, from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        array = pa.array([None if is_missing(x) else label(x) for x in column], pa.string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def label(value: Any) -> str:
    """A category's name; a whole number has no decimals, so that 3 and 3.0 are one.

    Every value has one: half of a surrogate pair becomes "?", an object that has no text goes by its type.
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    try:
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    except Exception:  # whatever the object's own __str__ raises
        return f"<{type(value).__name__}>"
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def is_number(kind: pa.DataType) -> bool:
    """Whether a type holds numbers; a column of nulls alone does."""
    types = pa.types
    whole = types.is_integer(kind) or types.is_null(kind)
    return bool(whole or types.is_floating(kind) or types.is_decimal(kind))


def as_text(array: pa.Array) -> pa.Array:
    """Values of any type by their text; null stays null."""
    return pa.array([None if v is None else str(v) for v in array.to_pylist()], pa.string())


def hashable(array: pa.Array) -> pa.Array:
    """Lists and structs have no hash in Arrow: they go by their text."""
    return as_text(array) if pa.types.is_nested(array.type) else array


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, or pandas' NA or NaT."""
    if value is None or isinstance(value, float):
        return value is None or value != value
    return type(value).__name__ in ("NAType", "NaTType")


def _unique(columns: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return dict(_once(columns))


def _once(columns: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    names: set[str] = set()
    for name, column in columns:
        if name in names:
            raise BadInput(f"the table has the column {name} more than once: names must differ")
        names.add(name)
        yield name, column


def _sized(name: object, column: Any) -> Any:
    if not hasattr(column, "__len__") or isinstance(column, str | bytes):
        raise BadInput(f"column {name} is a {type(column).__name__}, expected an array or a list")
    return column


def _common_length(columns: Mapping[str, Any]) -> int:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {rows}" for name, rows in list(lengths.items())[:5])
        raise BadInput(f"the columns differ in rows: {shown}; expected as many in each")
    return next(iter(lengths.values()), 0)
