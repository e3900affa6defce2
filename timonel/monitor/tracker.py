"""The tracker: takes predictions and labels in, and keeps the windows of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.errors import BadInput
from timonel.frames import to_arrow
from timonel.monitor.account import Account
from timonel.monitor.ahead import MOST_HELD, AheadGuard
from timonel.monitor.config import MonitorConfig, Role
from timonel.monitor.feature_windows import SCORE, FeatureWindows
from timonel.monitor.intake import Log, read_events, read_ids, tell_columns
from timonel.monitor.learning import Learning, Progress
from timonel.monitor.model import watched_model
from timonel.monitor.times import LATEST, NO_TIME, micros_of
from timonel.reference import Reference
from timonel.windows.events import Events
from timonel.windows.labels import Labels

TOO_FAR_AHEAD = "timestamp lies too far ahead: given up"
NO_LABEL = "label without a prediction id or a value"


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


class Tracker:
    """The windows of one model. Not safe to use from two threads at once: the monitor locks."""

    def __init__(self, reference: Reference | None, config: MonitorConfig) -> None:
        self.config = config
        self.rejected: Counter[str] = Counter()
        """What could not be used, by reason."""
        self.features: FeatureWindows | None = None
        """None until there is a reference."""
        self.oldest = LATEST
        """The oldest event time believed."""
        self._account: Account | None = None
        self._ahead = AheadGuard(micros(config.max_ahead))
        self._held: list[Batch] = []
        self._learning = Learning(config.learning_rows, micros(config.learning_span))
        if reference is not None:
            self.features = FeatureWindows(reference, config)
        if reference is not None or config.task is not None:
            self._open({})

    def _open(self, seen: Mapping[str, Any]) -> Account:
        reference = None if self.features is None else self.features.reference
        model = watched_model(reference, self.config, seen)
        self._account = Account.open(model, reference, self.config)
        return self._account

    @property
    def account(self) -> Account:
        """The windows of service and outcome; those of a binary model until something else is known."""
        return self._account or self._open({})

    @property
    def learning(self) -> Progress | None:
        """How far the first stable stretch has come; None with a reference."""
        return None if self.features is not None else self._learning.progress

    @property
    def newest(self) -> int:
        """The newest event time believed; -1 before the first."""
        return self._ahead.newest

    @property
    def held_back(self) -> int:
        """Events that wait for others to confirm their time."""
        return sum(len(batch.events) for batch in self._held)

    def track(self, columns: Mapping[str, Any], rows: int) -> None:
        """Count a log's rows."""
        known = None if self.features is None else self.features.reference.names
        log = tell_columns(columns, rows, self.config.columns, known, self.rejected)
        account = self._account or self._open(_outcomes(log))
        events, arrived = read_events(
            log, account.model.outcome, self.config.slices, self.newest, self.rejected
        )
        features = {name: to_arrow(column) for name, column in log.features.items()}
        score = events.columns.get("score")
        if score is not None and np.isfinite(score).any():
            features[SCORE] = pa.array(score)
        batch = Batch(events, arrived, features)
        self._admit(batch.take(events.time >= 0))

    def _admit(self, batch: Batch) -> None:
        """Fold what is believed, and hold back what lies too far ahead."""
        batches = [*self._held, batch]
        believed = self._ahead.admit(np.concatenate([b.events.time for b in batches]))
        ends = np.cumsum([len(b.events) for b in batches])
        self._held = []
        for one, rows in zip(batches, np.split(believed, ends[:-1]), strict=True):
            self._fold(one.take(rows))
            if not rows.all():
                self._held.append(one.take(~rows))
        while self.held_back > MOST_HELD:
            self.rejected[TOO_FAR_AHEAD] += len(self._held.pop(0).events)

    def _fold(self, batch: Batch) -> None:
        if len(batch.events):
            self.oldest = min(self.oldest, int(batch.events.time.min()))
            self.account.add(batch.events, batch.arrived)
            self._count_features(batch.events.time, batch.features)

    def _count_features(self, time: NDArray[np.int64], features: Mapping[str, pa.Array]) -> None:
        if self.features is not None:
            self.features.fold(time, features)
            return
        self._learning.add(time, features)
        stretch = self._learning.take()
        if stretch is not None:
            self.features = FeatureWindows(stretch.reference, self.config)
            held = {name: stretch.features[name] for name in stretch.features.column_names}
            self.features.fold(stretch.time, held)

    def label(self, ids: Any, actual: Any, arrived_at: Any) -> None:
        """Take outcomes that come after their predictions, by prediction id; None: not known when."""
        column = read_ids(ids)
        codes, usable = self.account.model.outcome.actuals(actual, self.rejected)
        arrived = np.full(len(column), NO_TIME) if arrived_at is None else micros_of(arrived_at)
        arrived = np.where(arrived < 0, max(self.newest, 0), arrived)
        keep = usable & np.asarray(column.is_valid())
        if not keep.all():
            self.rejected[NO_LABEL] += int((~keep).sum())
        at = np.flatnonzero(keep)
        self.account.label(Labels(column.take(pa.array(at)), arrived[at], {"actual": codes[at]}))

    def label_frame(self, columns: Mapping[str, Any]) -> None:
        """Take a table of outcomes: prediction_id, actual (or label), arrived_at (or arrival_time)."""
        found = {
            role: next((n for n in (self.config.columns.get(role), *names) if n in columns), None)
            for role, names in _LABEL_COLUMNS.items()
        }
        for role in ("prediction_id", "actual"):
            if found[role] is None:
                raise BadInput(
                    f"the table of labels lacks {role}, it has {', '.join(columns)}",
                    fix="name it so, or say in the settings' `columns` what it is called",
                )
        ids, actual, arrived = (None if n is None else columns[n] for n in found.values())
        self.label(ids, actual, arrived)


_LABEL_COLUMNS: Mapping[Role, tuple[str, ...]] = {
    "prediction_id": ("prediction_id",),
    "actual": ("actual", "label"),
    "arrived_at": ("arrived_at", "arrival_time", "label_arrival_time"),
}


def micros(span: timedelta) -> int:
    """A span in microseconds."""
    return round(span.total_seconds() * 1e6)


def _outcomes(log: Log) -> dict[str, Any]:
    """The columns of predictions and outcomes."""
    return {role: log.roles[role] for role in ("prediction", "actual") if role in log.roles}
