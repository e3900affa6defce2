"""Logs of any make as events: which column plays which part, and what could not be used."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.frames import hashable, is_missing, label, to_arrow
from timonel.monitor.config import Role
from timonel.monitor.outcomes import Array, OutcomeReader
from timonel.monitor.times import NO_TIME, UNREADABLE, micros_of
from timonel.performance.packs.service import ERROR, OK, REJECTED, TIMEOUT
from timonel.reference.cells import numbers
from timonel.windows.events import Coded, Events

ALIASES: Mapping[Role, tuple[str, ...]] = {
    "prediction_id": ("prediction_id",),
    "timestamp": ("timestamp", "event_time"),
    "prediction": ("prediction",),
    "score": ("score",),
    "actual": ("actual", "label"),
    "arrived_at": ("arrived_at", "label_arrival_time"),
    "version": ("version", "model_version"),
    "entity": ("entity",),
    "latency_ms": ("latency_ms",),
    "status": ("status",),
    "explored": ("explored",),
    "violations": ("violations",),
    "features": ("features",),
}
"""The names by which a log's columns are known."""
NO_FEATURES = frozenset({"model", "arrival_time", "label_event_time", "partition_date"})
"""Columns of a ledger that play no part in monitoring."""

_WORDS = {"ok": OK, "success": OK, "error": ERROR, "timeout": TIMEOUT, "rejected": REJECTED}
_TIMEOUTS = (408, 504)

BAD_TIME = "timestamp is unreadable"
NO_TIMESTAMP = "timestamp is missing: taken as the newest one"
BAD_LATENCY = "latency is no time"
BAD_STATUS = "status is unknown: taken as an error"
BAD_FEATURES = "features are no mapping from names to values"
LONGEST_MS = 1e8


@dataclass(frozen=True, eq=False)
class Log:
    """A log whose columns have been told apart."""

    roles: Mapping[Role, Any]
    features: Mapping[str, Any]
    rows: int


def tell_columns(
    columns: Mapping[str, Any],
    rows: int,
    named: Mapping[Role, str],
    known: Sequence[str] | None,
    reasons: Counter[str],
) -> Log:
    """Find the parts that columns play.

    Args:
        columns: the log's columns by name.
        rows: how many rows they have.
        named: names that differ from the usual ones, by role.
        known: the features' names; None: every column that plays no other part.
        reasons: counts what could not be used.
    """
    parts: dict[Role, str] = {}
    for role, aliases in ALIASES.items():
        found = [n for n in (named.get(role, ""), *aliases) if n in columns]
        if found and not (known is not None and found[0] in known and found[0] != named.get(role)):
            parts[role] = found[0]
    taken = {*parts.values(), *NO_FEATURES}
    features = {n: c for n, c in columns.items() if n not in taken}
    if "features" in parts:
        features |= _nested(columns[parts.pop("features")], rows, reasons)
    if known is not None:
        features = {n: c for n, c in features.items() if n in known} | {
            n: columns[n] for n in known if n in columns
        }
    return Log({role: columns[name] for role, name in parts.items()}, features, rows)


def _nested(column: Any, rows: int, reasons: Counter[str]) -> dict[str, Any]:
    """Features that come as one mapping a row."""
    if not isinstance(column, list):
        array = to_arrow(column)
        if pa.types.is_struct(array.type):
            return {f.name: array.field(i) for i, f in enumerate(array.type)}
        column = array.to_pylist()
    mappings = [v if isinstance(v, Mapping) else {} for v in column]
    odd = sum(not isinstance(v, Mapping) and not is_missing(v) for v in column)
    if odd:
        reasons[BAD_FEATURES] += odd
    names = dict.fromkeys(name for m in mappings for name in m)
    return {label(name): [m.get(name) for m in mappings] for name in names}


def read_events(
    log: Log,
    outcome: OutcomeReader,
    slices: Sequence[str],
    newest: int,
    reasons: Counter[str],
) -> tuple[Events, NDArray[np.int64]]:
    """The events of a log, and when each label arrived (NO_TIME where not given).

    Every row whose time can be read is an event; the others are counted in `reasons` and left out.
    """
    roles, rows = log.roles, log.rows
    time = _times(roles.get("timestamp"), rows, newest, reasons)
    columns: dict[str, Array] = {
        "latency_us": _latency(roles.get("latency_ms"), rows, reasons),
        "status": _status(roles.get("status"), rows, reasons),
        "violations": _violations(roles.get("violations"), rows),
        **outcome.predictions(roles.get("prediction"), roles.get("score"), rows, reasons),
    }
    columns["null"] = columns["null"] & (columns["status"] == OK)
    if "explored" in roles:
        columns["explored"] = numbers(roles["explored"]) > 0
    actual, labelled = outcome.actuals(roles.get("actual", pa.nulls(rows)), reasons)
    columns["actual"] = actual
    events = Events(
        time,
        coded(roles.get("version"), rows),
        columns,
        labelled,
        {name: coded(_slice_column(log, name), rows) for name in slices},
        read_ids(roles["prediction_id"]) if "prediction_id" in roles else None,
    )
    arrived = (
        np.full(rows, NO_TIME) if "arrived_at" not in roles else micros_of(roles["arrived_at"])
    )
    return events, np.where(arrived < 0, NO_TIME, arrived)


def _slice_column(log: Log, name: str) -> Any:
    if name in log.features:
        return log.features[name]
    role = next((r for r, aliases in ALIASES.items() if name in aliases), None)
    return None if role is None else log.roles.get(role)


def _times(column: Any, rows: int, newest: int, reasons: Counter[str]) -> NDArray[np.int64]:
    time = np.full(rows, NO_TIME) if column is None else micros_of(column)
    missing = int((time == NO_TIME).sum())
    unreadable = int((time == UNREADABLE).sum())
    if missing:
        reasons[NO_TIMESTAMP] += missing
    if unreadable:
        reasons[BAD_TIME] += unreadable
    readable = time[time >= 0]
    at = max(newest, 0) if newest >= 0 or not len(readable) else int(readable.max())
    return np.where(time == NO_TIME, at, time)


def _latency(column: Any, rows: int, reasons: Counter[str]) -> NDArray[np.int64]:
    if column is None:
        return np.full(rows, -1, dtype=np.int64)
    values = numbers(column)
    usable = (values >= 0) & (values <= LONGEST_MS)
    odd = int((~usable & ~np.isnan(values)).sum())
    if odd:
        reasons[BAD_LATENCY] += odd
    return np.where(usable, np.rint(np.where(usable, values, 0) * 1000), -1).astype(np.int64)


def _status(column: Any, rows: int, reasons: Counter[str]) -> NDArray[np.int8]:
    if column is None:
        return np.full(rows, OK, dtype=np.int8)
    few = coded(column, rows)
    meaning = np.array([*(_status_of(v, reasons) for v in few.values), OK], dtype=np.int8)
    return meaning[few.codes]


def _status_of(value: str, reasons: Counter[str]) -> int:
    if value.isdigit():
        code = int(value)
        if code in _TIMEOUTS:
            return TIMEOUT
        return OK if code < 400 else REJECTED if code < 500 else ERROR
    word = value.strip().lower()
    if word and word not in _WORDS:
        reasons[BAD_STATUS] += 1
    return _WORDS.get(word, ERROR if word else OK)


def _violations(column: Any, rows: int) -> NDArray[np.int32]:
    if column is None:
        return np.zeros(rows, dtype=np.int32)
    array = to_arrow(column)
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        array = array.value_lengths()
    elif pa.types.is_string(array.type):  # "amount: missing; country: unknown"
        texts = array.to_pylist()
        return np.array(
            [len([v for v in (t or "").split(";") if v.strip()]) for t in texts], np.int32
        )
    values = numbers(array)
    return np.where(np.isfinite(values) & (values > 0), values, 0).clip(max=1000).astype(np.int32)


def read_ids(column: Any) -> pa.Array:
    """Prediction ids as text; null where there is none."""
    array = to_arrow(column)
    if pa.types.is_string(array.type):
        return array
    return pa.array([None if is_missing(v) else label(v) for v in array.to_pylist()], pa.string())


def coded(column: Any, rows: int) -> Coded:
    """A column of few different values as codes; "" where there is none."""
    if column is None:
        return Coded(np.zeros(rows, dtype=np.int32), ("",))
    array = to_arrow(column)
    array = hashable(array)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    values = [("" if is_missing(v) else label(v)) for v in array.dictionary.to_pylist()]
    values += [] if "" in values else [""]
    indices = array.indices.fill_null(values.index("")).to_numpy(zero_copy_only=False)
    return Coded(indices.astype(np.int32), tuple(values))
