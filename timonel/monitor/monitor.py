"""ModelMonitor: predictions and labels in; metrics, anomalies and a report out."""

from collections.abc import Mapping
from datetime import timedelta
from threading import RLock
from typing import Any

from timonel.anomalies import Anomaly
from timonel.errors import BadInput
from timonel.frames import named_columns
from timonel.monitor import buffer
from timonel.monitor.answers import Question, answer
from timonel.monitor.batch import Delivery
from timonel.monitor.config import MonitorConfig
from timonel.monitor.learning import Progress
from timonel.monitor.metrics import Metrics
from timonel.monitor.opening import Opening
from timonel.monitor.parcel import Parcel
from timonel.monitor.report import Histogram, ReportView, render
from timonel.monitor.spans import read_range, read_span
from timonel.monitor.standing import LabelCounts, Standing, label_counts, standing_of
from timonel.monitor.view import histogram_of, view_of
from timonel.monitor.watching import Watching
from timonel.reference import Reference
from timonel.reference.classes import class_name


class ModelMonitor:
    """Watches one model, all of its versions. It may be used from several threads at once.

        monitor = ModelMonitor()
        monitor.track_prediction(1, actual=1, metadata={"latency_ms": 12.5, "features": {"amount": 80.0}})
        monitor.calculate_metrics("1d").accuracy
        monitor.detect_anomalies()

    Time is that of the events, never the clock's: a log of weeks replays in seconds. Nothing that is
    tracked raises for its content: what cannot be used is counted, see `Metrics.rejected`.
    """

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

        Raises BadInput without a reference and a task: what is learnt from rows is nobody else's.
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
            self._opening = None
            self._tracker.merge(parcel)

    def _reopen(self) -> None:
        """Few rows of the past do not say which of the next to believe, unless some are held back."""
        if self._tracker.held_back:
            self._opening = None
        else:
            self._opening = Opening(self._reference, self.config)
            self._settle()

    def _require_told(self) -> None:
        if self._reference is None and self.config.task is None:
            raise BadInput(
                "parcels were asked of a monitor without a reference and a task",
                why="what its counters mean is still to be told from rows",
                fix="give a Reference or set the task; or send the rows themselves to track_batch",
            )

    def calculate_metrics(
        self,
        window_size: str | timedelta | None = None,
        *,
        start: Any = None,
        end: Any = None,
        version: str | None = None,
        slice: tuple[str, Any] | dict[str, Any] | None = None,
    ) -> Metrics:
        """The metrics of a stretch of event time.

        Args:
            window_size: '15min', '1h', '7d', ...; a day if no start is given.
            start, end: a datetime, ISO 8601 text or seconds since 1970; naive times are UTC. The window
                ends after the newest event if not given.
            version: one version of the model; all if not given.
            slice: ("country", "ES") or {"country": "ES"}, for a column among the settings' slices.

        Counts are exact. What lies older than a day is kept in blocks of 15 minutes (slices in hours): the
        answer's start and end say what it covers.
        """
        with self._lock:
            self._settle()
            span = read_span(window_size, start, end, self._tracker.newest)
            return answer(self._tracker, Question(span, version, _one_slice(slice)))

    def detect_anomalies(self) -> list[Anomaly]:
        """What is abnormal, most severe first: what is open now, and what has cleared since the last call.

        Windows are judged once they are over, each once, in the order of time.
        """
        with self._lock:
            self._settle()
            return [] if self._opening is not None else self._watching.look()

    @property
    def learning(self) -> Progress | None:
        """How far the first stable stretch has come, which a monitor without a reference takes as one."""
        with self._lock:
            self._settle()
            return self._tracker.learning

    @property
    def reference(self) -> Reference | None:
        """The reference given, or learnt; None while learning."""
        with self._lock:
            self._settle()
            features = self._tracker.features
            return None if features is None else features.reference

    def view(self, start: Any = None, end: Any = None, version: str | None = None) -> ReportView:
        """What the report shows, as plain data: anomalies, charts, drift, versions, labels.

        Args:
            start, end: a datetime, ISO 8601 text or seconds since 1970; all that is kept if not given.
            version: one version of the model; all if not given.
        """
        with self._lock:
            self._settle()
            if self._opening is None:
                self._watching.look()
            span = read_range(start, end)
            return view_of(self._tracker, self._watching, *span, version)

    def histogram(self, feature: str, start: Any = None, end: Any = None) -> Histogram:
        """One feature's values beside the reference; of the last day if no start is given."""
        with self._lock:
            self._settle()
            span = read_span(None, start, end, self._tracker.newest)
            return histogram_of(self._tracker, feature, span.start, span.end)

    @property
    def label_counts(self) -> LabelCounts:
        """What became of all labels so far."""
        with self._lock:
            self._settle()
            return label_counts(self._tracker)

    def standing(self) -> Standing:
        """Where the model stands: what is open, how old data and labels are, how far features are off.

        Windows that are over are judged before.
        """
        with self._lock:
            self._settle()
            if self._opening is None:
                self._watching.look()
            return standing_of(self._tracker, self._watching)

    def report(self) -> str:
        """One self-contained HTML page: well or not, since when, what to do, and the pictures behind it."""
        return render(self.view())

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


def _one_slice(given: tuple[str, Any] | dict[str, Any] | None) -> tuple[str, str] | None:
    if given is None:
        return None
    pairs = list(given.items()) if isinstance(given, dict) else [given]
    if len(pairs) != 1 or not isinstance(pairs[0], tuple) or len(pairs[0]) != 2:
        raise BadInput(
            f"slice is {given!r}, expected one column and its value",
            fix='use such as ("country", "ES")',
        )
    column, value = pairs[0]
    return str(column), "" if value is None else class_name(value)
