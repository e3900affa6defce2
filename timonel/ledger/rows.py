"""Rows as a ledger keeps them: known types, UTC times, unknown is null, each with its day."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from timonel.errors import BadInput
from timonel.frames import named_columns, to_arrow
from timonel.ledger.schema import CLOCKS, JOINED, PARTITION, TIME, TableName
from timonel.reference.classes import class_name

FIRST_YEAR, LAST_YEAR = 1970, 9999


def prepare(table: TableName, rows: Any, known: pa.Schema) -> pa.Table:
    """Bring rows into the columns of a table, new columns of features last.

    Args:
        table: where they go.
        rows: a pyarrow Table or RecordBatch, a pandas or polars DataFrame, or a mapping to arrays.
        known: the table's columns as they are now.

    Raises `BadInput` naming the column that does not fit; nothing is dropped or altered in silence
    but the surplus precision of integers as features, which become 64-bit floats.
    """
    columns, count = named_columns(rows)
    columns.pop(PARTITION, None)
    _check_names(table, columns, known)
    made: dict[str, pa.Array] = {}
    for field in known:
        if field.name in columns:
            made[field.name] = _cast(to_arrow(columns[field.name]), field.type, field.name)
        else:
            made[field.name] = pa.nulls(count, field.type)
    for name in [n for n in columns if n not in known.names]:
        column = to_arrow(columns[name])
        if column.null_count < count:  # of which type it is shows with its first value
            made[name] = _cast(column, _feature_type(column.type), name)
    _complete_times(table, made)
    return pa.table(made)


def _check_names(table: TableName, columns: Mapping[str, Any], known: pa.Schema) -> None:
    new = [name for name in columns if name not in known.names]
    if table is not TableName.PREDICTIONS and new:
        raise BadInput(
            f"the table {table} has no column {', '.join(new)}",
            fix=f"its columns are {', '.join(n for n in known.names if n != PARTITION)}",
        )
    reserved = [name for name in new if name in JOINED]
    if reserved:
        raise BadInput(
            f"predictions cannot have the column {', '.join(reserved)}",
            why="labels come later and are joined by prediction_id",
            fix="append labels to the table labels",
        )
    taken = {name.lower(): name for name in known.names}
    for name in new:
        other = taken.setdefault(name.lower(), name)
        if other != name:
            raise BadInput(
                f"the columns {other} and {name} differ in case only",
                why="Delta tables and SQL take them for one",
                fix="rename one of them",
            )


def _feature_type(given: pa.DataType) -> pa.DataType:
    """The type by which a feature is kept."""
    kinds = pa.types
    if kinds.is_dictionary(given):
        return _feature_type(given.value_type)
    if kinds.is_boolean(given):
        return pa.bool_()
    if kinds.is_integer(given) or kinds.is_floating(given) or kinds.is_decimal(given):
        return pa.float64()
    return TIME if kinds.is_timestamp(given) or kinds.is_date(given) else pa.string()


def _cast(column: pa.Array, wanted: pa.DataType, name: str) -> pa.Array:
    try:
        return _to(column, wanted)
    except (pa.ArrowException, ValueError, OverflowError):
        # no word of the value: it may be personal, and errors are logged
        raise BadInput(
            f"column {name} holds {column.type} that does not all read as {_described(wanted)}",
            why="that is how the ledger keeps this column",
            fix="convert the values, or log them under another name",
        ) from None


def _described(wanted: pa.DataType) -> str:
    if wanted == TIME:
        return "times: timestamps, or text in ISO 8601"
    return "text" if wanted == pa.string() else "numbers"


def _to(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    kinds = pa.types
    if kinds.is_dictionary(column.type) and wanted != pa.string():
        column = column.dictionary_decode()
    if wanted == pa.string():
        return _names(column)
    if wanted == TIME:
        return _times(column)
    if kinds.is_boolean(column.type) and wanted != pa.bool_():
        column = column.cast(pa.int8())
    if kinds.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    return column.cast(wanted, safe=wanted != pa.float64())


def _names(column: pa.Array) -> pa.Array:
    """Values by the text that all parts know them by: 1, 1.0 and True are "1"; lists are JSON."""
    if pa.types.is_string(column.type):
        return column
    if pa.types.is_nested(column.type):
        return pa.array([None if v is None else _json(v) for v in column.to_pylist()], pa.string())
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    values = [None if _unknown(v) else class_name(v) for v in coded.dictionary.to_pylist()]
    return pa.array(values, pa.string()).take(coded.indices)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _unknown(value: Any) -> bool:
    return value is None or value != value


def _times(column: pa.Array) -> pa.Array:
    """Times in UTC; naive ones are taken as UTC, text as ISO 8601."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        zoned = pc.match_substring_regex(column, r"(Z|[+-]\d\d(:?\d\d)?)$")
        text = pc.if_else(zoned, column, pc.binary_join_element_wise(column, "Z", ""))
        return text.cast(TIME)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        raise pa.ArrowInvalid("a number has no unit")
    return column.cast(pa.timestamp("us", getattr(column.type, "tz", None)), safe=False).cast(TIME)


def _complete_times(table: TableName, made: dict[str, pa.Array]) -> None:
    """Check the time of each row, and add its day; what arrived at no known time came at once."""
    clock = CLOCKS[table]
    time = made[clock]
    if time.null_count:
        raise BadInput(
            f"{table}: {time.null_count} of {len(time)} rows have no {clock}",
            why="rows are kept by the day they belong to",
            fix=f"give each row its {clock}",
        )
    years = pc.min_max(pc.year(time)).as_py()
    if len(time) and not FIRST_YEAR <= years["min"] <= years["max"] <= LAST_YEAR:
        raise BadInput(
            f"{table}: {clock} lies between the years {years['min']} and {years['max']},"
            f" expected {FIRST_YEAR} to {LAST_YEAR}",
            fix="check the unit of the times",
        )
    if "arrival_time" in made:
        made["arrival_time"] = pc.coalesce(made["arrival_time"], time)
    made[PARTITION] = time.cast(pa.date32(), safe=False)
