"""The time column: read as instants in UTC, complete and in order.

Times and dates become microseconds in UTC; a time without a zone is taken as UTC. Text must be ISO 8601:
whether 03/04 is in March or in April is not guessed. Whole numbers (a year, a round, seconds) are kept
as they are: they order the rows, but no embargo can be measured in them.
"""

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from timonel.config import Config
from timonel.errors import BadInput
from timonel_components.data.naming import source_name

TIMESTAMP = pa.timestamp("us", tz="UTC")
_ZONE = r"(?:[Zz]|[Tt ]\d\d[\d:.]*\s*[+-]\d\d(?::?\d\d)?)\s*$"


def parse_time(column: pa.ChunkedArray, name: str, what: str) -> pa.ChunkedArray:
    """Read a time column; raises `BadInput` naming the first row without a readable time."""
    _check_complete(column, name, what)
    if pa.types.is_integer(column.type):
        return column
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return column.cast(TIMESTAMP)
    if not pa.types.is_string(column.type):
        raise BadInput(
            f"{what}: the time column {name} holds {column.type}: expected times, dates or whole numbers"
        )
    return pa.chunked_array([_parse(column, name, what)])


def ordered(table: pa.Table, config: Config) -> pa.Table:
    """Hold data.time_order: put the rows in the order of time, or refuse rows that go back."""
    name = str(config.data.time)
    column = table[name].combine_chunks()
    backward = pc.greater(column[:-1], column[1:])
    back = pc.index(backward, True).as_py()
    if back < 0:
        return table
    if config.data.time_order == "sort":
        return table.take(pc.array_sort_indices(column))
    raise BadInput(
        f"{source_name(config)}: the time column {name} goes back at row {back + 1}:"
        f" {column[back + 1]} after {column[back]} ({pc.sum(backward).as_py():,} rows go back)",
        why="rows out of order are often a botched export: two files glued together, a lost part",
        fix="mend the export (in SQL: ORDER BY), or set data.time_order: sort",
    )


def _check_complete(column: pa.ChunkedArray, name: str, what: str) -> None:
    if column.null_count:
        row = pc.index(column.is_null(), True).as_py()
        raise BadInput(
            f"{what}: the time column {name}, row {row} is empty ({column.null_count:,} rows are)",
            fix="fill in the times, or leave those rows out",
        )


def _parse(column: pa.ChunkedArray, name: str, what: str) -> pa.Array:
    texts = column.to_pandas()
    zoned = texts.str.contains(_ZONE, regex=True)
    # apart: pandas gives a time without a zone the zone of the row before it
    parsed = pd.concat([_instants(texts[zoned]), _instants(texts[~zoned])]).sort_index()
    if parsed.isna().any():
        row = int(parsed.isna().to_numpy().argmax())
        raise BadInput(
            f"{what}: the time column {name}, row {row} is {texts[row]!r}: not a date or time in ISO 8601"
            f" ({int(parsed.isna().sum()):,} of {len(texts):,} rows are not)",
            fix="write times as 2024-03-31 or 2024-03-31T14:05:00Z",
        )
    return pa.array(parsed, type=TIMESTAMP, safe=False)


def _instants(texts: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    return pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
