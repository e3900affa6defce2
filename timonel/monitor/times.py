"""Times as people log them, in microseconds since 1970 UTC; a naive time is taken as UTC."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.frames import is_missing, to_arrow
from timonel.windows.layout import SECOND

NO_TIME = -1
UNREADABLE = -2
LATEST = 7_258_118_400_000_000
"""The year 2200: what lies beyond is no time but an error of unit."""

_UNITS = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (math.inf, 1e-3))
"""A number below 1e11 is in seconds, then milli-, micro-, nanoseconds; and its factor."""


def micros_of(column: Any) -> NDArray[np.int64]:
    """The time of each row; NO_TIME where missing, UNREADABLE where it is none."""
    if isinstance(column, list):
        return _one_by_one(column)
    array = to_arrow(column)
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        return _bounded(_cast(array))
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        return _of_numbers(
            np.asarray(pc.cast(array, pa.float64(), safe=False).to_numpy(False)), array
        )
    return _one_by_one(array.to_pylist())


def micros(value: Any) -> int:
    """One time: a datetime, a number since 1970 or ISO 8601 text; NO_TIME or UNREADABLE otherwise."""
    read = _READERS.get(type(value))
    if read is None:
        if is_missing(value):
            return NO_TIME
        read = next((f for kind, f in _READERS.items() if isinstance(value, kind)), _unreadable)
    try:
        found = read(value)
    except (ValueError, OverflowError, TypeError):
        return UNREADABLE
    return found if 0 <= found < LATEST or found == NO_TIME else UNREADABLE


def as_datetime(instant: int) -> datetime:
    """The inverse: an aware datetime in UTC."""
    return datetime.fromtimestamp(instant / SECOND, UTC)


def _cast(array: pa.Array) -> NDArray[np.int64]:
    zone = getattr(array.type, "tz", None)
    whole = pc.cast(array, pa.timestamp("us", zone), safe=False).cast(pa.int64())
    return np.asarray(whole.fill_null(NO_TIME).to_numpy(zero_copy_only=False), dtype=np.int64)


def _of_numbers(values: NDArray[np.float64], array: pa.Array) -> NDArray[np.int64]:
    odd = ~np.isfinite(values) | (np.abs(values) > 1e19)
    factor = np.select([np.abs(values) < limit for limit, _ in _UNITS], [f for _, f in _UNITS])
    found = np.rint(np.where(odd, 0, values) * factor).astype(np.int64)
    if pa.types.is_integer(array.type):  # whole micro- and nanoseconds are beyond a double's digits
        whole = np.asarray(array.fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)
        found = np.where(factor == 1.0, whole, np.where(factor < 1, whole // 1000, found))
    return _bounded(np.where(odd, np.where(np.isnan(values), NO_TIME, UNREADABLE), found))


def _bounded(found: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where((found >= LATEST) | (found < UNREADABLE), UNREADABLE, found)


def _one_by_one(values: list[Any]) -> NDArray[np.int64]:
    return np.fromiter((micros(v) for v in values), dtype=np.int64, count=len(values))


def _of_datetime(value: datetime) -> int:
    if value != value:  # pandas' NaT is a datetime
        return NO_TIME
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return round(aware.timestamp() * SECOND)


def _of_number(value: float) -> int:
    if not math.isfinite(value):
        return NO_TIME if value != value else UNREADABLE
    return round(value * next(f for limit, f in _UNITS if abs(value) < limit))


def _of_text(value: str) -> int:
    return _of_datetime(datetime.fromisoformat(value.strip())) if value.strip() else NO_TIME


def _of_datetime64(value: np.datetime64) -> int:
    return NO_TIME if np.isnat(value) else int(value.astype("datetime64[us]").astype(np.int64))


def _unreadable(value: Any) -> int:
    return UNREADABLE


_READERS: Mapping[type, Callable[[Any], int]] = {
    bool: _unreadable,
    datetime: _of_datetime,
    float: _of_number,
    int: _of_number,
    str: _of_text,
    date: lambda value: _of_datetime(datetime(value.year, value.month, value.day)),
    np.datetime64: _of_datetime64,
    np.floating: lambda value: _of_number(float(value)),
    np.integer: lambda value: _of_number(int(value)),
}
