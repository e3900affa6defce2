"""Labels as people send them, as one table: columns prediction_id, actual, arrived_at."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel.errors import BadInput
from timonel.frames import as_text, is_number, named_columns, to_arrow
from timonel.monitor.outcomes import OTHER_LABEL
from timonel.monitor.standing import LabelCounts
from timonel.monitor.times import NO_TIME, micros_of
from timonel.windows.layout import DAY
from timonel_serving.monitor.models.states import LabelAnswer

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "prediction_id": ("prediction_id",),
    "actual": ("actual", "label"),
    "arrived_at": ("arrived_at", "arrival_time", "label_arrival_time"),
}
MOST_CHARACTERS = 256
"""Of an id and of a class."""
NO_ID, LONG_ID = "no prediction_id", f"prediction_id longer than {MOST_CHARACTERS} characters"
NO_ACTUAL, LONG_ACTUAL = "no actual", f"actual longer than {MOST_CHARACTERS} characters"
NO_TIME_READ = "arrived_at is no time"
FUTURE = "arrived_at lies in the future"

TIME = pa.timestamp("us", "UTC")


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels that can be used, and how many others there were."""

    table: pa.Table
    rows: int
    rejected: Counter[str] = field(default_factory=Counter)


def read_labels(frame: Any, latest: int) -> Labels:
    """The labels of a table; `latest` is the latest time believed of an arrival, less a day.

    Raises BadInput where a column is missing, or is there that has no meaning.
    """
    columns, rows = named_columns(frame)
    found = _columns(columns)
    ids = _texts(to_arrow(found["prediction_id"]), "prediction_id")
    actual = _actual(to_arrow(found["actual"]))
    given = found.get("arrived_at")
    arrived = np.full(rows, NO_TIME) if given is None else micros_of(given)
    problems = {
        NO_ID: _missing(ids),
        LONG_ID: _long(ids),
        NO_ACTUAL: _missing(actual),
        LONG_ACTUAL: _long(actual),
        NO_TIME_READ: arrived < NO_TIME,
        FUTURE: arrived > latest + DAY,
    }
    usable, rejected = np.ones(rows, bool), Counter[str]()
    for reason, bad in problems.items():
        if count := int((usable & bad).sum()):
            rejected[reason] = count
        usable &= ~bad
    times = pa.array(arrived, mask=arrived < 0).cast(TIME)
    table = pa.table({"prediction_id": ids, "actual": actual, "arrived_at": times})
    return Labels(table.filter(pa.array(usable)), rows, rejected)


def timed(labels: Labels, newest: int) -> Labels:
    """The same, those without an arrival with the newest event time, in microseconds; -1: it is not known."""
    if newest < 0:
        return labels
    now = pa.scalar(newest, pa.int64()).cast(TIME)
    arrived = labels.table["arrived_at"].fill_null(now)
    table = labels.table.set_column(2, "arrived_at", arrived)
    return Labels(table, labels.rows, labels.rejected)


def answer(labels: Labels, counted: LabelCounts | None) -> LabelAnswer:
    """What became of labels: `counted` is what came to the monitor's counts by those that can be used."""
    tally = Counter(() if counted is None else counted.tally)
    unseen = Counter(() if counted is None else counted.rejected)
    del unseen[OTHER_LABEL]
    return LabelAnswer(
        rows=labels.rows,
        applied=tally["applied"],
        duplicate=tally["duplicate"],
        corrected=tally["corrected"],
        outdated=tally["outdated"],
        conflicting=tally["conflicting"],
        waiting=tally["unknown"] + (0 if counted is None else counted.waiting),
        rejected=dict(labels.rejected + unseen),
    )


def _columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    roles = {name: role for role, names in COLUMNS.items() for name in names}
    odd = [name for name in columns if name not in roles]
    found = {roles[name]: column for name, column in columns.items() if name in roles}
    lacking = [role for role in ("prediction_id", "actual") if role not in found]
    if lacking or odd or len(found) + len(odd) < len(columns):
        said = f"lack {' and '.join(lacking)}" if lacking else f"have columns {', '.join(columns)}"
        raise BadInput(
            f"the labels {said[:200]}",
            fix="send prediction_id and actual (or label) of each, and arrived_at where it is known",
        )
    return found


def _texts(column: pa.Array, name: str) -> pa.Array:
    """A column as text: numbers by their digits."""
    if pa.types.is_nested(column.type):
        raise BadInput(f"{name} is a list or an object, expected text or a number")
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        whole = pc.cast(column, pa.int64(), safe=False)
        fits = pc.all(pc.equal(pc.cast(whole, column.type), column)).as_py()
        column = whole if fits else column
    return column if pa.types.is_string(column.type) else as_text(column)


def _actual(column: pa.Array) -> pa.Array:
    """The outcome: a class, or of a ranking the chosen items."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.dictionary_decode()
    plain = is_number(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind)
    if plain or pa.types.is_list(kind):
        return column
    return _texts(column, "actual")


def _missing(column: pa.Array) -> Any:
    missing = column.is_null(nan_is_null=True)
    if pa.types.is_string(column.type):
        missing = pc.or_(missing, pc.equal(pc.utf8_trim_whitespace(column), "").fill_null(True))
    return np.asarray(missing)


def _long(column: pa.Array) -> Any:
    if not pa.types.is_string(column.type):
        return np.zeros(len(column), bool)
    return np.asarray(pc.greater(pc.utf8_length(column).fill_null(0), MOST_CHARACTERS))
