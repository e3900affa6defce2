"""Columns of any make on their way to disk and back, such that they are read as before."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from timonel.frames import is_missing, label, to_arrow

_PLAIN = (str, bool, int, float)
_TAG = "$"


def save_columns(columns: Mapping[str, Any]) -> tuple[dict[str, Any], pa.Table]:
    """Lists as JSON values, all others as Arrow: together they are the columns.

    Values of a list keep their type where it is one of Python's own or of numpy; others become their text.
    """
    lists = {n: [plain(v) for v in c] for n, c in columns.items() if isinstance(c, list)}
    others = {n: to_arrow(c) for n, c in columns.items() if not isinstance(c, list)}
    return {"order": list(columns), "lists": lists}, pa.table(others)


def load_columns(head: Mapping[str, Any], table: pa.Table) -> dict[str, Any]:
    """The inverse of `save_columns`."""
    lists = head["lists"]
    return {
        name: [value_of(v) for v in lists[name]] if name in lists else to_arrow(table[name])
        for name in head["order"]
    }


def plain(value: Any) -> Any:
    """A value of a list as JSON takes it; `value_of` is the inverse."""
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64):
        value = value.item()
    if type(value) in _PLAIN or is_missing(value):
        return value if type(value) in _PLAIN else None
    if isinstance(value, Mapping):
        return {_TAG: "map", "of": [[plain(k), plain(v)] for k, v in value.items()]}
    if isinstance(value, list | tuple | np.ndarray):
        return {_TAG: "list", "of": [plain(v) for v in value]}
    kind = next((name for name, of in _KINDS.items() if isinstance(value, of)), None)
    return label(value) if kind is None else {_TAG: kind, "of": _TEXT.get(kind, str)(value)}


def value_of(saved: Any) -> Any:
    """The inverse of `plain`."""
    return _READ[saved[_TAG]](saved["of"]) if isinstance(saved, dict) else saved


_KINDS: Mapping[str, type] = {
    "datetime": datetime,
    "date": date,
    "datetime64": np.datetime64,
    "decimal": Decimal,
    "bytes": bytes,
}
_TEXT: Mapping[str, Callable[[Any], str]] = {
    "datetime": lambda value: str(value.isoformat()),
    "bytes": lambda value: b64encode(value).decode(),
}
_READ: Mapping[str, Callable[[Any], Any]] = {
    "map": lambda pairs: {value_of(k): value_of(v) for k, v in pairs},
    "list": lambda values: [value_of(v) for v in values],
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "datetime64": np.datetime64,
    "decimal": Decimal,
    "bytes": b64decode,
}
