"""One side of a case as arrays, in order of event time."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.diagnosis.loss import Floats
from timonel.errors import BadInput

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
PARTS = frozenset(
    (
        *("prediction_id", "event_time", "arrival_time", "model", "version", "entity", "score"),
        *("prediction", "latency_ms", "status", "violations", "pod", "detector"),
        *("label", "label_event_time", "label_arrival_time", "partition_date"),
    )
)
"""The columns of a log (`Ledger.read_log`) that are no features."""
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Rows:
    """A log's rows; a column that the log has not is all missing."""

    table: pa.Table
    classes: tuple[bool | int | str, ...]

    @classmethod
    def read(cls, table: pa.Table, classes: tuple[bool | int | str, ...], what: str) -> "Rows":
        """The rows with an event time, in its order."""
        if "event_time" not in table.column_names:
            raise BadInput(
                f"the {what} rows have no column event_time; they have "
                f"{', '.join(table.column_names[:8]) or 'none'}",
                fix="give rows as Ledger.read_log gives them",
            )
        if len(set(table.column_names)) != table.num_columns:
            raise BadInput(f"the {what} rows have two columns of one name")
        known = table.filter(table["event_time"].is_valid())
        time = np.asarray(known["event_time"])
        if len(time) > 1 and (time[1:] < time[:-1]).any():
            known = known.take(pa.array(np.argsort(time, kind="stable")))
        return cls(known, classes)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def take(self, at: Ints) -> "Rows":
        """Some of the rows."""
        return Rows(self.table.take(pa.array(at)), self.classes)

    def sample(self, chosen: Bools, most: int, rng: np.random.Generator) -> "Rows":
        """At most so many of the chosen rows, in their order."""
        at = np.flatnonzero(chosen)
        if len(at) > most:
            at = np.sort(rng.choice(at, most, replace=False))
        return self.take(at)

    def has(self, name: str) -> bool:
        """Whether the log says anything in this column."""
        at = self.table.schema.get_field_index(name)
        return at >= 0 and bool(self.table.column(at).null_count < len(self))

    @cached_property
    def time(self) -> Ints:
        """Microseconds since 1970 UTC."""
        return instants(self.table, "event_time")

    def delay(self, name: str) -> Floats:
        """Seconds from the event to another instant of the row; NaN where there is none."""
        if not self.has(name):
            return np.full(len(self), np.nan)
        at = instants(self.table, name)
        return np.where(at == NEVER, np.nan, (at - self.time) / 1e6)

    @cached_property
    def score(self) -> Floats:
        """NaN where missing or no probability."""
        score = numbers(self.table, "score", len(self))
        return np.where((score >= 0) & (score <= 1), score, np.nan)

    @cached_property
    def outcome(self) -> Floats:
        """1 where what the score stands for came true, 0 where not, NaN where nobody knows."""
        label = self._class("label")
        if len(self.classes) > 2:
            answer = self._class("prediction")
            known = (label >= 0) & (answer >= 0)
            return np.where(known, label == answer, np.nan)
        return np.where(label >= 0, label, np.nan).astype(np.float64)

    @cached_property
    def lost(self) -> Bools:
        """Rows that were answered without a prediction, whatever the status."""
        for name in ("prediction", "score"):
            if name in self.table.column_names:
                return ~np.asarray(self.table[name].is_valid())
        return np.zeros(len(self), dtype=np.bool_)

    @cached_property
    def failed(self) -> Bools:
        """Rows whose status is an error's."""
        status = numbers(self.table, "status", len(self))
        return np.nan_to_num(status) >= 400

    @cached_property
    def latency(self) -> Floats:
        """Milliseconds; NaN where missing."""
        return numbers(self.table, "latency_ms", len(self))

    @cached_property
    def before(self) -> Ints:
        """The row before of the same entity; -1 where there is none."""
        _, entity = self.words("entity")
        order = np.argsort(entity, kind="stable")
        same = (entity[order][1:] == entity[order][:-1]) & (entity[order][1:] >= 0)
        found = np.full(len(self), -1, dtype=np.int64)
        found[order[1:][same]] = order[:-1][same]
        return found

    def repeats(self, values: Floats) -> Bools:
        """Rows whose value is that of their entity's row before, where not all of the row is."""
        return self._same(values) & ~self._copied

    def _same(self, values: Floats) -> Bools:
        if not len(self):
            return np.zeros(0, dtype=np.bool_)
        return np.asarray((self.before >= 0) & (values[self.before] == values))

    @cached_property
    def _copied(self) -> Bools:
        """Rows that are the one before again, in all their measured features: an event that came twice."""
        kinds = zip(self.table.column_names, self.table.schema.types, strict=True)
        names = [n for n, kind in kinds if n not in PARTS and pa.types.is_floating(kind)]
        if len(names) < 2:
            return np.zeros(len(self), dtype=np.bool_)
        columns = (numbers(self.table, name, len(self)) for name in names)
        return np.asarray(np.logical_and.reduce([self._same(values) for values in columns]))

    @cached_property
    def repeated_ids(self) -> Bools:
        """Rows whose id an earlier row has."""
        repeated = np.zeros(len(self), dtype=np.bool_)
        if not self.has("prediction_id"):
            return repeated
        ids = self.table["prediction_id"]
        if pc.count_distinct(ids).as_py() + ids.null_count == len(self):
            return repeated
        _, at = self.words("prediction_id")
        repeated[:] = at >= 0
        repeated[np.unique(at, return_index=True)[1]] = False
        return repeated

    def words(self, name: str) -> tuple[tuple[str, ...], Ints]:
        """The distinct values of a column as strings, and the place of each row's (-1: missing)."""
        if name not in self.table.column_names:
            return (), np.full(len(self), -1, dtype=np.int64)
        column = plain(self.table[name]).cast(pa.string()).combine_chunks().dictionary_encode()
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        at = np.asarray(pc.fill_null(column.indices, -1), dtype=np.int64)
        return tuple(column.dictionary.to_pylist()), at

    def _class(self, name: str) -> Ints:
        labels, at = self.words(name)
        places = {str(c).lower(): i for i, c in enumerate(self.classes)}
        if len(self.classes) == 2:  # as JSON, Arrow and Python write them
            places = {**dict(zip(("0", "1"), (0, 1), strict=True)), **places}
            places |= {f"{k}.0": v for k, v in places.items() if k in ("0", "1")}
        index = np.array([*(places.get(str(v).lower(), -1) for v in labels), -1])
        return np.asarray(index[at], dtype=np.int64)


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without dictionary encoding."""
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column


def numbers(table: pa.Table, name: str, n: int) -> Floats:
    """A column as float64, NaN where it is missing or no number."""
    # the names of a wide table are not listed for each of its columns
    at = table.schema.get_field_index(name)
    if at < 0:
        return np.full(n, np.nan)
    column = plain(table.column(at))
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        numeric = pc.match_substring_regex(column, r"^-?[0-9]+(\.[0-9]+)?$")
        column = pc.if_else(pc.fill_null(numeric, False), column, pa.scalar(None, column.type))
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    values = np.asarray(column.cast(pa.float64(), safe=False), dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def instants(table: pa.Table, name: str) -> Ints:
    """Microseconds since 1970 UTC; NEVER where missing."""
    column = table[name]
    kind = pa.timestamp("us", getattr(column.type, "tz", None))
    try:
        whole = column.cast(kind, safe=False).cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise BadInput(f"column {name} holds {column.type}; expected instants") from None
    return np.asarray(pc.fill_null(whole, NEVER), dtype=np.int64)
