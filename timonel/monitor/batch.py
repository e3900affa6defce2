"""Rows on their way into the windows: as they came, and as they were read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.frames import to_arrow
from timonel.monitor.feature_windows import SCORE
from timonel.monitor.intake import Log, read_events
from timonel.monitor.model import WatchedModel
from timonel.windows.events import Events
from timonel.windows.pending_arrow import event_columns, events_of

OUTCOMES_READ = 2000
"""Rows from which the task and the classes are told, where nothing else says them."""


@dataclass(frozen=True, eq=False)
class Delivery:
    """Rows as they came."""

    columns: Mapping[str, Any]
    rows: int
    newest: int
    """The time of rows that have none; -1: the newest of these rows."""
    odd: int = 0
    """Rows whose metadata is no mapping."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Events with their features, as they were read."""

    events: Events
    arrived: NDArray[np.int64]
    """When each label became known; NO_TIME where not given."""
    features: Mapping[str, pa.Array]

    def take(self, rows: NDArray[np.bool_]) -> "Batch":
        """Some of the rows."""
        if rows.all():
            return self
        at = pa.array(np.flatnonzero(rows))
        features = {name: column.take(at) for name, column in self.features.items()}
        return Batch(self.events.take(rows), self.arrived[rows], features)


def read_batch(
    log: Log, newest: int, model: WatchedModel, slices: Sequence[str], reasons: Counter[str]
) -> Batch:
    """The rows whose time can be read; the others are counted in `reasons`."""
    events, arrived = read_events(log, model.outcome, slices, newest, reasons)
    features = {name: to_arrow(column) for name, column in log.features.items()}
    if model.texts is not None:
        counted, watched = model.texts.read(features, log.rows)
        events = replace(events, columns={**events.columns, **counted})
        features = {**features, **watched}
        features.pop(model.texts.column, None)
    score = events.columns.get("score")
    if score is not None and np.isfinite(score).any():
        features[SCORE] = pa.array(score)
    return Batch(events, arrived, features).take(events.time >= 0)


def batch_table(batch: Batch) -> pa.Table:
    """A batch as a table; `batch_of` is the inverse."""
    features = {f"feature:{name}": column for name, column in batch.features.items()}
    own = {"arrived": pa.array(batch.arrived)}
    return pa.table(event_columns(batch.events) | own | features)


def batch_of(table: pa.Table) -> Batch:
    """The inverse of `batch_table`."""
    features = {
        name.removeprefix("feature:"): to_arrow(table[name])
        for name in table.column_names
        if name.startswith("feature:")
    }
    arrived = np.array(table["arrived"].to_numpy(), dtype=np.int64)
    return Batch(events_of(table), arrived, features)


def first_outcomes(logs: Sequence[Log]) -> dict[str, Any]:
    """The predictions and outcomes of the first rows."""
    found: dict[str, list[Any]] = {}
    left = OUTCOMES_READ
    for log in logs:
        for role in ("prediction", "actual"):
            if role in log.roles and left > 0:
                found.setdefault(role, []).extend(to_arrow(log.roles[role])[:left].to_pylist())
        left -= log.rows
    return found
