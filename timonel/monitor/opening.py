"""The first rows of a log: only several together say what the model predicts, and what time it is."""

from collections import Counter
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.frames import to_arrow
from timonel.monitor.ahead import CONFIRMED_BY
from timonel.monitor.batch import OUTCOMES_READ, Delivery
from timonel.monitor.columns import load_columns, save_columns
from timonel.monitor.config import MonitorConfig, Role
from timonel.monitor.intake import tell_columns
from timonel.monitor.model import is_told
from timonel.monitor.times import NO_TIME, micros_of
from timonel.monitor.tracker import Tracker
from timonel.reference import Reference
from timonel.reference.classes import class_name, distinct_values
from timonel.windows.envelope import seal, together, unseal

KIND, DELIVERY, LABELS, FORMAT = "opening", "delivery", "labels", 1

Label = tuple[Any, Any, NDArray[np.int64]]


class Opening:
    """Keeps the first rows and labels, until they are enough; what puts them in another light, such as a
    class that none had before, has them counted anew.

    So the answer is the same however the log is cut, and one odd row that comes first decides nothing.
    """

    def __init__(self, reference: Reference | None, config: MonitorConfig) -> None:
        self._reference, self._config = reference, config
        self._told = is_told(reference, config)
        self._needed = CONFIRMED_BY if self._told else min(OUTCOMES_READ, config.learning_rows)
        self._deliveries: list[Delivery] = []
        self._labels: list[Label] = []
        self._rows = 0
        self._outcomes: set[str] = set()
        self._tracker: Tracker | None = None
        """Up to date, or None."""

    @property
    def over(self) -> bool:
        """Whether the rows are enough."""
        return self._rows >= self._needed

    def track(self, delivery: Delivery) -> None:
        """Take rows."""
        kept = {name: _kept(column) for name, column in delivery.columns.items()}
        named = self._config.columns
        roles = tell_columns(kept, delivery.rows, named, None, Counter()).roles
        newest = self.tracker().newest if _lacks_time(roles) else -1
        delivery = replace(delivery, columns=kept, newest=newest)
        outcomes = set() if self._told else set(_outcomes(roles))
        news = self._rows < CONFIRMED_BY or not outcomes <= self._outcomes
        self._outcomes |= outcomes
        self._deliveries.append(delivery)
        self._rows += delivery.rows
        if news:
            self._tracker = None
        elif self._tracker is not None:
            self._tracker.track([delivery])

    def label(self, label: Label) -> None:
        """Take labels, with their arrival."""
        self._labels.append(label)
        if self._tracker is not None:
            self._tracker.label(*label)

    def save(self) -> pa.RecordBatch:
        """What was taken, as sealed rows; `resume` reads them."""
        rows = []
        for one in self._deliveries:
            head, table = save_columns(one.columns)
            kept = {"rows": one.rows, "newest": one.newest, "odd": one.odd, "columns": head}
            rows.append(seal(DELIVERY, FORMAT, kept, table))
        for ids, actual, arrived in self._labels:
            head, table = save_columns({"id": ids, "actual": actual})
            kept = {"columns": head, "arrived": arrived.tolist()}
            rows.append(seal(LABELS, FORMAT, kept, table))
        return together([seal(KIND, FORMAT, {}, pa.table({})), *rows])

    def resume(self, saved: pa.Table) -> None:
        """Go on with what was saved; for an opening that has taken nothing."""
        kinds = pc.field("kind")
        for head, table in unseal(DELIVERY, FORMAT, saved.filter(kinds == DELIVERY)):
            columns = load_columns(head["columns"], table)
            self.track(Delivery(columns, head["rows"], head["newest"], head["odd"]))
        for head, table in unseal(LABELS, FORMAT, saved.filter(kinds == LABELS)):
            columns = load_columns(head["columns"], table)
            arrived = np.array(head["arrived"], dtype=np.int64)
            self.label((columns["id"], columns["actual"], arrived))

    def tracker(self) -> Tracker:
        """A tracker that has counted all of them."""
        if self._tracker is None:
            self._tracker = Tracker(self._reference, self._config)
            if self._deliveries:
                self._tracker.track(self._deliveries)
            for label in self._labels:
                self._tracker.label(*label)
        return self._tracker


def _lacks_time(roles: Mapping[Role, Any]) -> bool:
    return "timestamp" not in roles or bool((micros_of(roles["timestamp"]) == NO_TIME).any())


def _outcomes(roles: Mapping[Role, Any]) -> Iterator[str]:
    for column in (roles.get("prediction"), roles.get("actual")):
        if column is not None:
            first = to_arrow(column)[:OUTCOMES_READ]
            yield from (class_name(v) for v in distinct_values(first) if not _is_fraction(v))


def _is_fraction(value: Any) -> bool:
    """A probability: one more of them says nothing new."""
    return isinstance(value, float) and 0 < value < 1


def _kept(column: Any) -> Any:
    """A copy of what the caller may write to again."""
    return column if isinstance(column, pa.Array | pa.ChunkedArray) else copy(column)
