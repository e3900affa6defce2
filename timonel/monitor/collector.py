"""What a monitor takes in: predictions, labels, what others have counted, and its own past."""

from collections.abc import Mapping
from threading import RLock
from typing import Any, Self

import pyarrow as pa

from timonel.errors import BadInput, Corrupt, TimonelError
from timonel.frames import named_columns
from timonel.monitor import buffer
from timonel.monitor.batch import Delivery
from timonel.monitor.config import MonitorConfig
from timonel.monitor.feature_windows import reference_of
from timonel.monitor.model import is_told
from timonel.monitor.opening import Opening
from timonel.monitor.parcel import Parcel
from timonel.monitor.terms import require_same
from timonel.monitor.tracker import Tracker
from timonel.monitor.watching import Watching
from timonel.reference import Reference
from timonel.windows.envelope import bundle, seal_json, unbundle, unseal_json

KIND, WATCHING, FORMAT = "monitor", "watching", 1


class Collector:
    """The half of a `ModelMonitor` that takes things in; safe to use from several threads at once."""

    def __init__(
        self, reference: Reference | None = None, config: MonitorConfig | None = None
    ) -> None:
        self.config = config or MonitorConfig()
        self._reference = reference
        self._opening: Opening | None = Opening(reference, self.config)
        self._tracker = self._opening.tracker()
        self._watching = Watching(self._tracker)
        self._rows: list[buffer.Row] = []
        self._labels: list[tuple[Any, Any, Any]] = []
        self._lock = RLock()

    def track_prediction(self, prediction: Any, actual: Any = None, metadata: Any = None) -> None:
        """Count one prediction.

        Args:
            prediction: the class, or of a binary model the probability of the positive one; of a ranker the
                list of items. None: the model gave no answer.
            actual: the outcome, if it is known already.
            metadata: any of prediction_id, timestamp, latency_ms, features (a mapping), score, version,
                entity, status (an HTTP code, or ok, error, timeout, rejected), arrived_at, explored and
                violations. Without a timestamp the newest one is taken.
        """
        row = buffer.as_row(prediction, actual, metadata)
        with self._lock:
            self._rows.append(row)
            if len(self._rows) >= buffer.ROWS:
                self._flush()

    def track_batch(self, frame: Any) -> None:
        """Count many predictions: a pyarrow Table or RecordBatch, a pandas or polars DataFrame, a mapping.

        Columns are those of `track_prediction`'s metadata and `prediction`, `actual` (or `label`); all
        others are features.
        """
        columns, rows = named_columns(frame)
        with self._lock:
            self._flush()
            if rows:
                self._track(columns, rows)

    def track_label(self, prediction_id: Any, actual: Any, arrived_at: Any = None) -> None:
        """Count an outcome that comes after its prediction, at the prediction's own time.

        A label said twice counts once; one that arrived later corrects an earlier one; one whose prediction
        is not known yet waits for it. `arrived_at` is the newest event time if not given.
        """
        with self._lock:
            self._labels.append((prediction_id, actual, arrived_at))
            if len(self._labels) >= buffer.ROWS:
                self._flush()

    def track_labels(self, frame: Any) -> None:
        """Count many outcomes: columns prediction_id, actual (or label) and arrived_at (or arrival_time)."""
        columns, rows = named_columns(frame)
        with self._lock:
            self._flush()
            if rows:
                self._label(*self._tracker.read_labels(columns))

    def hand_over(self) -> Parcel:
        """All that was counted since the last time, or the start, for another monitor to `merge`; it is
        forgotten here. What is held back, for its time lies far ahead, comes with a later parcel.

        Raises BadInput where neither a reference nor the settings say what the model predicts.
        """
        with self._lock:
            self._settle()
            self._require_told()
            parcel = self._tracker.hand_over()
            if self._opening is not None:
                self._reopen()
            return parcel

    def merge(self, parcel: Parcel) -> None:
        """Count what another monitor has handed over: in any order, with the same result as its rows.

        Raises BadInput if that monitor counts otherwise: another reference, other classes, slices, ...
        """
        with self._lock:
            self._settle()
            self._require_told()
            self._tracker.merge(parcel)
            self._opening = None

    def check(self, parcel: Parcel) -> None:
        """Raise BadInput where `merge` would."""
        with self._lock:
            self._settle()
            self._require_told()
            require_same(self._tracker.terms, parcel.terms)

    def save(self) -> bytes:
        """All that the monitor knows, sealed: `restore` makes one of it that goes on as this one would."""
        with self._lock:
            self._settle()
            opening, features = self._opening, self._tracker.features
            head = {"config": self.config.model_dump(mode="json"), "opening": opening is not None}
            head["given"] = self._reference is not None
            if opening is None:
                watching = seal_json(WATCHING, FORMAT, self._watching.to_dict())
                return bundle(KIND, FORMAT, head, self._tracker.save() | {WATCHING: watching})
            known = {} if features is None else {"reference": features.sealed}
            return bundle(KIND, FORMAT, head, {"opening": opening.save()} | known)

    @classmethod
    def restore(cls, saved: bytes, config: MonitorConfig | None = None) -> Self:
        """The monitor that was saved, with its settings unless others are given.

        Raises Corrupt for what `save` did not write, and BadInput for settings with which it would count
        otherwise than it has: other classes, slices, retention, ...
        """
        head, parts = unbundle(KIND, FORMAT, saved)
        try:
            settings = config or MonitorConfig.model_validate(head["config"])
            return cls._restored(head, parts, settings)
        except (AttributeError, LookupError, TypeError, ValueError, pa.ArrowException) as error:
            if isinstance(error, TimonelError):
                raise
            raise Corrupt(f"the saved {KIND} does not fit together: {error!r}") from error

    @classmethod
    def _restored(
        cls, head: Mapping[str, Any], parts: Mapping[str, pa.Table], config: MonitorConfig
    ) -> Self:
        monitor = cls(reference_of(parts["reference"]) if head["given"] else None, config)
        if head["opening"]:
            monitor._opening = Opening(monitor._reference, config)
            monitor._opening.resume(parts["opening"])
            monitor._settle()
            return monitor
        monitor._opening = None
        monitor._tracker = Tracker.restore(parts, config)
        monitor._watching = Watching(monitor._tracker)
        monitor._watching.resume(unseal_json(WATCHING, FORMAT, parts[WATCHING]))
        return monitor

    def _reopen(self) -> None:
        """Few rows of the past do not say which of the next to believe, unless some are held back."""
        if self._tracker.held_back:
            self._opening = None
        else:
            self._opening = Opening(self._reference, self.config)
            self._settle()

    def _require_told(self) -> None:
        if not is_told(self._reference, self.config):
            raise BadInput(
                "parcels were asked of a monitor that must learn from rows what the model predicts",
                why="what one has learnt is nobody else's",
                fix="give a Reference, or set the task and its classes; or send the rows themselves",
            )

    def _settle(self) -> None:
        """Count all that came, before a question is answered."""
        self._flush()
        if self._opening is not None and self._tracker is not self._opening.tracker():
            self._tracker = self._opening.tracker()
            self._watching = Watching(self._tracker)

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            columns, odd = buffer.as_columns(rows)
            self._track(columns, len(rows), odd)
        labels, self._labels = self._labels, []
        if labels:
            ids, actual, arrived = (list(column) for column in zip(*labels, strict=True))
            self._label(ids, actual, arrived)

    def _track(self, columns: Mapping[str, Any], rows: int, odd: int = 0) -> None:
        delivery = Delivery(columns, rows, self._tracker.newest, odd)
        if self._opening is None:
            self._tracker.track([delivery])
            return
        self._opening.track(delivery)
        if self._opening.over:
            self._settle()
            self._opening = None

    def _label(self, ids: Any, actual: Any, arrived_at: Any) -> None:
        if self._opening is None:
            self._tracker.label(ids, actual, self._tracker.arrivals(arrived_at, len(ids)))
            return
        arrived = self._opening.tracker().arrivals(arrived_at, len(ids))
        self._opening.label((ids, actual, arrived))
