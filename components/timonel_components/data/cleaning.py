"""Brings a table to the few types that are stored, and refuses what no model can learn from."""

import pyarrow as pa
import pyarrow.compute as pc

from timonel.config import Config
from timonel.errors import BadInput
from timonel_components.data.naming import source_name
from timonel_components.data.timeline import ordered, parse_time

TIMESTAMP = pa.timestamp("us", tz="UTC")


def clean(table: pa.Table, config: Config) -> pa.Table:
    """Normalise types, parse the time column, and check order, infinities and names.

    Columns in data.drop that cannot be stored are left out. Raises `BadInput` naming source, column
    and row.
    """
    what = source_name(config)
    _check_names(table, what)
    _check_roles(table, config)
    table = _stored_types(table, config)
    for name in table.column_names:
        if name != config.data.target and name not in config.data.drop:
            _check_finite(table[name], name, what)
    if config.data.time is None:
        return table
    place = table.column_names.index(config.data.time)
    times = parse_time(table[config.data.time], config.data.time, what)
    return ordered(table.set_column(place, config.data.time, times), config)


def _check_names(table: pa.Table, what: str) -> None:
    lowered = [name.lower() for name in table.column_names]
    twice = sorted({n for n in table.column_names if lowered.count(n.lower()) > 1})
    if twice:
        raise BadInput(
            f"{what}: the columns {', '.join(twice)} have the same name (capitals make no difference)",
            fix="rename all but one of them",
        )


def _check_roles(table: pa.Table, config: Config) -> None:
    data = config.data
    roles = {"target": data.target, "time": data.time, "key": data.key, "entity": data.entity}
    for role, name in (roles | {"text": data.text}).items():
        if name is not None and name not in table.column_names:
            raise BadInput(
                f"{source_name(config)}: data.{role} names the column {name}, which the table does not have",
                fix=f"use one of its columns: {', '.join(table.column_names)}",
            )


def _stored_types(table: pa.Table, config: Config) -> pa.Table:
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if (wanted := _stored_type(column.type)) is not None:
            columns[name] = _cast(column, wanted, name, config)
        elif name not in config.data.drop:
            raise BadInput(
                f"{source_name(config)}: column {name} has type {column.type}: expected numbers,"
                " booleans, text or times",
                fix=f"turn it into columns of such types, or add {name} to data.drop",
            )
    return pa.table(columns)


def _stored_type(dtype: pa.DataType) -> pa.DataType | None:
    """The type in which values are kept; None for types that no model takes."""
    inner = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    kept = (pa.types.is_boolean, pa.types.is_float32, pa.types.is_float64, pa.types.is_date32)
    rules = (
        (pa.types.is_integer, pa.int64()),
        (pa.types.is_float16, pa.float32()),
        (pa.types.is_decimal, pa.float64()),
        (pa.types.is_timestamp, TIMESTAMP),
        (pa.types.is_date64, pa.date32()),
        (lambda t: pa.types.is_string(t) or pa.types.is_large_string(t), pa.string()),
        (lambda t: pa.types.is_string_view(t) or pa.types.is_null(t), pa.string()),
    )
    if any(fits(inner) for fits in kept):
        return inner
    return next((stored for fits, stored in rules if fits(inner)), None)


def _cast(column: pa.ChunkedArray, to: pa.DataType, name: str, config: Config) -> pa.ChunkedArray:
    try:
        # nanoseconds are cut: no model needs them
        return pc.cast(column, to, safe=not pa.types.is_timestamp(to))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadInput(f"{source_name(config)}: column {name}: {error}") from None


def _check_finite(column: pa.ChunkedArray, name: str, what: str) -> None:
    if not pa.types.is_floating(column.type):
        return
    row = pc.index(pc.is_inf(column), True).as_py()
    if row >= 0:
        raise BadInput(
            f"{what}: column {name}, row {row} is {column[row].as_py()}: expected a finite number",
            fix="leave such values empty: a missing value is learnt from, an infinite one is not",
        )
