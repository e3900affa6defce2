"""ModelMonitor: predictions and labels in; metrics, anomalies and a report out."""

from datetime import datetime, timedelta
from typing import Any

from timonel.anomalies import Anomaly
from timonel.errors import BadInput
from timonel.monitor.answers import Question, answer
from timonel.monitor.collector import Collector
from timonel.monitor.histograms import histogram_of
from timonel.monitor.learning import Progress
from timonel.monitor.metrics import Metrics
from timonel.monitor.report import Histogram, ReportView, render
from timonel.monitor.report.markup import Markup
from timonel.monitor.served import ServedWindow, served_in
from timonel.monitor.spans import read_range, read_span
from timonel.monitor.standing import LabelCounts, Standing, label_counts, standing_of
from timonel.monitor.times import as_datetime
from timonel.monitor.view import view_of
from timonel.reference import Reference
from timonel.reference.classes import class_name


class ModelMonitor(Collector):
    """Watches one model, all of its versions. It may be used from several threads at once.

        monitor = ModelMonitor()
        monitor.track_prediction(1, actual=1, metadata={"latency_ms": 12.5, "features": {"amount": 80.0}})
        monitor.calculate_metrics("1d").accuracy
        monitor.detect_anomalies()

    Time is that of the events, never the clock's: a log of weeks replays in seconds. Nothing that is
    tracked raises for its content: what cannot be used is counted, see `Metrics.rejected`.
    """

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
    def newest(self) -> datetime | None:
        """The newest event time believed; None before the first event."""
        with self._lock:
            self._settle()
            newest = self._tracker.newest
            return None if newest < 0 else as_datetime(newest)

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

    def served(self, start: Any, end: Any = None) -> ServedWindow:
        """How many requests each version had from `start` on, and what became of them: exact counts.

        Args:
            start, end: a datetime, ISO 8601 text or seconds since 1970, rounded up to whole minutes; up to
                the newest event if no end is given.
        """
        with self._lock:
            self._settle()
            since, until = read_range(start, end)
            return served_in(self._tracker, since or 0, until)

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

    def report(self, diagnosis: Markup | None = None) -> str:
        """One self-contained HTML page: well or not, since when, what to do, and the pictures behind it.

        `diagnosis` says why, as `timonel.monitor.report.diagnosed` puts it.
        """
        return render(self.view(), diagnosis)


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
