"""What the report shows, filled from the windows."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from timonel.anomalies import Anomaly, ranked
from timonel.drift.scan import effects
from timonel.drift.scan.effects import unit
from timonel.monitor.answers import Question, age_of_labels, answer, figures, reasons
from timonel.monitor.broken import broken
from timonel.monitor.charts import Scope, grid, performance, service
from timonel.monitor.feature_windows import STEP, FeatureWindows
from timonel.monitor.histograms import histograms
from timonel.monitor.report.view import (
    Arrival,
    Drift,
    DriftRow,
    Event,
    EventKind,
    ReportView,
    Version,
)
from timonel.monitor.spans import Span
from timonel.monitor.times import as_datetime
from timonel.monitor.tracker import Tracker
from timonel.monitor.watching import Watching
from timonel.reference.bins import NumericBins
from timonel.windows import arrival
from timonel.windows.directory import VERSION
from timonel.windows.layout import EVENTS, HOUR, SERVED

Counts = NDArray[np.int64]

NEARLY_ALL = 0.998
"""The curve of arrivals ends where so many labels have come."""
SHOWN_OF_VERSIONS = ("error_rate", "null_rate", "p95_latency_ms", "accuracy", "roc_auc", "macro_f1")


def view_of(
    tracker: Tracker,
    watching: Watching,
    start: int | None = None,
    end: int | None = None,
    version: str | None = None,
) -> ReportView:
    """All that the page shows of a stretch of time, by default all that is kept; of one version or of all.

    Drift and data quality are of all versions: the bins of the features are counted of all together.
    """
    steps = grid(tracker, start, end) if tracker.newest >= 0 else []
    if not steps:
        return _nothing(tracker, watching, start, end)
    scope = Scope(steps, version)
    whole = answer(tracker, Question(scope.whole, version))
    learning, features = tracker.learning, tracker.features
    counts = None if features is None else _counts(features, steps)
    served = service(tracker, watching, scope)
    lost = (f"{n:,} x {reason}" for reason, n in reasons(tracker).items())
    return ReportView(
        model=_name(tracker),
        start=as_datetime(scope.whole.start),
        end=as_datetime(scope.whole.end),
        n=whole.n,
        n_labelled=whole.n_labelled,
        newest=as_datetime(tracker.newest),
        learning="" if learning is None else str(learning),
        reference=_reference(tracker),
        anomalies=_within(watching, scope.whole, version),
        events=tuple(_deployed(tracker, scope.whole)),
        performance=performance(tracker, watching, scope),
        service=served[:-1],
        quality=served[-1:],
        drift=None if features is None or counts is None else _drift(features, counts, steps),
        histograms=() if features is None else tuple(histograms(features, scope.whole)),
        violations=() if features is None or counts is None else broken(features, counts, steps),
        versions=tuple(_versions(tracker, scope.whole)),
        arrival=_arrival(tracker, whole.n_labelled),
        notes=(*whole.warnings, *lost),
    )


def _nothing(
    tracker: Tracker, watching: Watching, start: int | None, end: int | None
) -> ReportView:
    """A stretch without predictions; what is open is told all the same."""
    newest = tracker.newest if tracker.newest >= 0 else None
    begin, until = start or newest or 0, end or newest or 0
    return ReportView(
        model=_name(tracker),
        start=as_datetime(min(begin, until)),
        end=as_datetime(until),
        n=0,
        n_labelled=0,
        newest=None if newest is None else as_datetime(newest),
        learning="" if tracker.learning is None else str(tracker.learning),
        reference=_reference(tracker),
        anomalies=tuple(watching.open),
    )


def _within(watching: Watching, span: Span, version: str | None) -> tuple[Anomaly, ...]:
    """What was abnormal at some time of the span: of the model as a whole and of the version asked for."""
    start, end = as_datetime(span.start), as_datetime(span.end)
    return tuple(
        a
        for a in ranked([*watching.open, *watching.cleared])
        if a.since < end
        and not (a.cleared and a.updated < start)
        and version in (None, a.where.version or version)
    )


def _deployed(tracker: Tracker, span: Span) -> Iterator[Event]:
    """When a version was first served; not of those that were there when the monitor began."""
    state = tracker.account.state
    begin = max(tracker.oldest, state.clock.horizon) // STEP * STEP
    for version in state.versions():
        times, counts = state.series(EVENTS, begin, tracker.newest + 1, STEP, version)
        served = np.flatnonzero(counts[:, SERVED])
        first = int(times[served[0]]) if len(served) else -1
        if first > begin and span.start <= first < span.end:
            yield Event(as_datetime(first), EventKind.DEPLOYED, f"version {version or 'not given'}")


def _name(tracker: Tracker) -> str:
    reference = None if tracker.features is None else tracker.features.reference
    contract = None if reference is None else reference.contract
    return tracker.config.name or (contract.model if contract is not None else "model")


def _reference(tracker: Tracker) -> str:
    if tracker.features is None:
        return ""
    reference = tracker.features.reference
    origin = (
        "the first stable stretch of traffic"
        if reference.learnt
        else "the rows the model was tested on"
    )
    return f"{origin} ({reference.rows:,} rows)"


def _counts(features: FeatureWindows, steps: Sequence[Span]) -> Counts:
    """Rows by window, feature and cell."""
    return np.stack([features.between(s.start, s.end) for s in steps])


def _drift(features: FeatureWindows, counts: Counts, steps: Sequence[Span]) -> Drift:
    units = np.array([unit(b) for b in features.bins])
    found = effects(counts, features.counts, features.bins) / units
    weights = features.reference.weights
    rows = tuple(
        DriftRow(
            one.name,
            tuple(max(float(e), 0.0) if np.isfinite(e) else None for e in found[:, j]),
            weights.get(one.name),
            not isinstance(one, NumericBins),
        )
        for j, one in enumerate(features.bins)
    )
    return Drift(tuple(as_datetime(s.start) for s in steps), as_datetime(steps[-1].end), rows)


def _versions(tracker: Tracker, span: Span) -> Iterator[Version]:
    state = tracker.account.state
    total = max(state.sums(span.start, span.end).n, 1)
    for version in state.directory.values(VERSION):
        found = figures(tracker, Question(span, version))
        shown = tuple((n, found.values[n]) for n in SHOWN_OF_VERSIONS if n in found.values)
        yield Version(version or "(not given)", found.served.n, found.served.n / total, shown)


def _arrival(tracker: Tracker, labelled: int) -> Arrival | None:
    delays = tracker.account.pending.delays
    n = int(delays.sum())
    if not n:
        return None
    age = age_of_labels(tracker)
    share = np.cumsum(delays)[:-1] / n
    shown = int(np.searchsorted(share, NEARLY_ALL)) + 2
    hours = (arrival.EDGES / HOUR)[:shown]
    return Arrival(
        tuple(hours.tolist()), tuple(share[:shown].tolist()), age / HOUR or None, n, labelled
    )
