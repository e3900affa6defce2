"""The first rows of a log: only several together say what the model predicts, and what time it is."""

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.monitor.ahead import CONFIRMED_BY
from timonel.monitor.config import MonitorConfig
from timonel.monitor.tracker import OUTCOMES_READ, Delivery, Tracker
from timonel.reference import Reference

Label = tuple[Any, Any, NDArray[np.int64]]


class Opening:
    """Keeps the first rows and labels, and counts them anew with each that comes, until they are enough.

    So the answer is the same however the log is cut, and one odd row that comes first decides nothing.
    """

    def __init__(self, reference: Reference | None, config: MonitorConfig) -> None:
        self._reference, self._config = reference, config
        told = reference is not None or config.task is not None
        self._needed = CONFIRMED_BY if told else min(OUTCOMES_READ, config.learning_rows)
        self._deliveries: list[Delivery] = []
        self._labels: list[Label] = []

    @property
    def over(self) -> bool:
        """Whether the rows are enough."""
        return sum(one.rows for one in self._deliveries) >= self._needed

    def track(self, delivery: Delivery) -> None:
        """Keep rows."""
        kept = {name: _kept(column) for name, column in delivery.columns.items()}
        self._deliveries.append(replace(delivery, columns=kept))

    def label(self, label: Label) -> None:
        """Keep labels, with their arrival."""
        self._labels.append(label)

    def tracker(self) -> Tracker:
        """A tracker that has counted all of them."""
        tracker = Tracker(self._reference, self._config)
        if self._deliveries:
            tracker.track(self._deliveries)
        for label in self._labels:
            tracker.label(*label)
        return tracker


def _kept(column: Any) -> Any:
    """A copy of what the caller may write to again."""
    return column if isinstance(column, pa.Array | pa.ChunkedArray) else copy(column)
