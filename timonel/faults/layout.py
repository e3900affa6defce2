"""Which column plays which part in a table that incidents work on."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Label = bool | int | str


@dataclass(frozen=True)
class Layout:
    """The names of the columns; the defaults are a log with its labels joined (`join_labels`).

    A part that a table does not have may be None. `event_time=None` makes the order of the rows the
    time. Columns that play no part here are features.
    """

    event_time: str | None = "event_time"
    arrival_time: str | None = "arrival_time"
    prediction_id: str | None = "prediction_id"
    model: str | None = "model"
    version: str | None = "version"
    entity: str | None = "entity"
    score: str | None = "score"
    prediction: str | None = "prediction"
    latency_ms: str | None = "latency_ms"
    status: str | None = "status"
    violations: str | None = "violations"
    label: str | None = "label"
    label_event_time: str | None = "label_event_time"
    label_arrival_time: str | None = "label_arrival_time"
    classes: tuple[Label, ...] = (0, 1)
    """The values of label and prediction; the positive one last, as in a data contract."""

    @classmethod
    def plain(
        cls,
        target: str,
        event_time: str | None = None,
        entity: str | None = None,
        key: str | None = None,
        classes: tuple[Label, ...] = (0, 1),
    ) -> Self:
        """A table of features with a target, as models are trained on; `key` tells rows apart."""
        parts = {"event_time": event_time, "entity": entity, "prediction_id": key, "label": target}
        names = (f.name for f in fields(cls) if f.name != "classes")
        return cls(**{name: parts.get(name) for name in names}, classes=classes)

    @classmethod
    def labels(cls, classes: tuple[Label, ...] = (0, 1)) -> Self:
        """The ledger's table of labels alone: prediction_id, label, event_time, arrival_time."""
        return cls(arrival_time=None, label_arrival_time="arrival_time", classes=classes)

    def features(self, table: pa.Table) -> tuple[str, ...]:
        """The table's columns that play no other part."""
        parts = {value for value in vars(self).values() if isinstance(value, str)}
        return tuple(name for name in table.column_names if name not in parts)


LOG = Layout()


@dataclass(frozen=True)
class Model:
    """What turns features into scores where an incident has to score again.

    `score` takes a table with the feature columns and gives the score of the positive class of each
    row, independent of the other rows. The positive class is predicted from `threshold` on.
    """

    score: Callable[[pa.Table], FloatArray]
    threshold: float = 0.5
