"""Rows of many inferences as one Arrow table.

The columns that are not features have names that no feature has; `ROLES` tells the monitor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.frames import to_arrow
from timonel.monitor.config import Role
from timonel_serving.detector.rows import Rows

ROLES: Mapping[Role, str] = {
    "prediction_id": "inference.id",
    "timestamp": "inference.time",
    "prediction": "inference.prediction",
    "score": "inference.score",
    "version": "inference.version",
    "latency_ms": "inference.latency_ms",
    "status": "inference.status",
    "violations": "inference.violations",
    "features": "inference.features",
}
_GATHERED: tuple[Role, ...] = tuple(r for r in ROLES if r not in ("violations", "features"))
_MOST_COLUMNS = 2000


@dataclass(frozen=True, eq=False)
class Read:
    """Rows that were read from the spool."""

    table: pa.Table
    """As `ROLES` names the columns; the features are the fields of one column."""
    ends: NDArray[np.int64]
    """Of each row the position after the record that completed it; they never fall."""
    received: NDArray[np.int64]
    """When the first half of its inference came, in microseconds since 1970 UTC."""

    @property
    def rows(self) -> int:
        """How many they are."""
        return len(self.ends)

    def features(self) -> dict[str, pa.Array]:
        """The features by name."""
        column = to_arrow(self.table[ROLES["features"]])
        return {field.name: column.field(i) for i, field in enumerate(column.type)}

    def role(self, role: Role) -> pa.Array | None:
        """What is no feature; None where no row has it."""
        name = ROLES[role]
        return to_arrow(self.table[name]) if name in self.table.column_names else None

    def after(self, position: int) -> "Read":
        """The rows that were completed behind a position."""
        at = int(np.searchsorted(self.ends, position, side="right"))
        return Read(self.table.slice(at), self.ends[at:], self.received[at:]) if at else self


class Batch:
    """Rows that are gathered column by column."""

    def __init__(self) -> None:
        self.rows = 0
        self.inferences = 0
        self._features: dict[str, list[Any]] = {}
        self._roles: dict[Role, list[Any]] = {role: [] for role in _GATHERED}
        self._ends: list[int] = []
        self._received: list[int] = []

    @property
    def wide(self) -> bool:
        """Whether so many different columns have come that it should be handed on."""
        return len(self._features) > _MOST_COLUMNS

    def add(self, rows: Rows, end: int = 0) -> None:
        """Append rows; a feature that they lack, or that is new, is missing elsewhere.

        Args:
            rows: of one inference.
            end: the position after the record that completed it.
        """
        n, features = rows.features.rows, rows.features.values
        if features.keys() != self._features.keys():
            self._align(set(features), n)
        for name, values in features.items():
            self._features[name].extend(values)
        request, response = rows.inference.request, rows.inference.response
        when = rows.inference.received if request.time is None else request.time
        roles = self._roles
        roles["prediction_id"].extend(rows.ids)
        roles["prediction"].extend(rows.prediction if rows.prediction is not None else [None] * n)
        roles["score"].extend(rows.score if rows.score is not None else [None] * n)
        roles["timestamp"].extend([when] * n)
        roles["version"].extend([rows.version or None] * n)
        roles["latency_ms"].extend([response.latency_ms] * n)
        roles["status"].extend([response.status] * n)
        self._ends.extend([end] * n)
        self._received.extend([rows.inference.received] * n)
        self.rows += n
        self.inferences += 1

    def _align(self, names: set[str], n: int) -> None:
        for name in names - self._features.keys():
            self._features[name] = [None] * self.rows
        for name in self._features.keys() - names:
            self._features[name].extend([None] * n)

    def read(self) -> Read:
        """The rows with what is known of each beside its values."""
        ends = np.array(self._ends, dtype=np.int64)
        return Read(self.table(), ends, np.array(self._received, dtype=np.int64))

    def table(self) -> pa.Table:
        """The rows, times in microseconds UTC; columns that nobody filled are left out."""
        columns = {
            ROLES[role]: to_arrow(values)
            for role, values in self._roles.items()
            if any(value is not None for value in values)
        }
        columns[ROLES["timestamp"]] = pa.array(self._roles["timestamp"], pa.timestamp("us", "UTC"))
        arrays = [to_arrow(values) for values in self._features.values()]
        columns[ROLES["features"]] = pa.StructArray.from_arrays(arrays, list(self._features))
        return pa.table(columns)
