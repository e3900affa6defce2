"""What the report shows, filled from the windows."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from timonel.anomalies import ranked
from timonel.drift.scan import effects
from timonel.drift.scan.effects import unit
from timonel.monitor.answers import Question, age_of_labels, answer, figures, reasons
from timonel.monitor.charts import grid, performance, service
from timonel.monitor.feature_windows import FeatureWindows
from timonel.monitor.report.view import Arrival, Drift, DriftRow, Histogram, ReportView, Version
from timonel.monitor.spans import Span
from timonel.monitor.times import as_datetime
from timonel.monitor.tracker import Tracker
from timonel.monitor.watching import Watching
from timonel.reference.bins import BINS, NULL, OTHER, Bins, NumericBins
from timonel.windows import arrival
from timonel.windows.directory import VERSION
from timonel.windows.layout import DAY, HOUR

MOST_FEATURES = 6
"""Features whose distribution is drawn: those that drifted most."""
SHOWN_OF_VERSIONS = ("error_rate", "null_rate", "p95_latency_ms", "accuracy", "roc_auc", "macro_f1")


def view_of(tracker: Tracker, watching: Watching) -> ReportView:
    """All that the page shows of a monitor."""
    if tracker.newest < 0:
        never = as_datetime(0)
        return ReportView(model=_name(tracker), start=never, end=never, n=0, n_labelled=0)
    steps = grid(tracker)
    span = Span(steps[0].start, steps[-1].end)
    whole = answer(tracker, Question(span))
    learning, features = tracker.learning, tracker.features
    lost = (f"{n:,} x {reason}" for reason, n in reasons(tracker).items())
    return ReportView(
        model=_name(tracker),
        start=whole.start,
        end=whole.end,
        n=whole.n,
        n_labelled=whole.n_labelled,
        newest=as_datetime(tracker.newest),
        learning="" if learning is None else str(learning),
        reference=_reference(tracker),
        anomalies=tuple(ranked([*watching.open, *watching.cleared])),
        performance=performance(tracker, watching, steps),
        service=service(tracker, watching, steps),
        drift=None if features is None else _drift(features, steps),
        histograms=() if features is None else tuple(_histograms(features, span)),
        versions=tuple(_versions(tracker, span)),
        arrival=_arrival(tracker, whole.n_labelled),
        notes=(*whole.warnings, *lost),
    )


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


def _drift(features: FeatureWindows, steps: list[Span]) -> Drift:
    counts = np.stack([features.between(s.start, s.end) for s in steps])
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


def _histograms(features: FeatureWindows, span: Span) -> Iterator[Histogram]:
    """The last day beside the reference, the features that differ most first."""
    counts = features.between(max(span.start, span.end - DAY), span.end)
    found = effects(counts, features.counts, features.bins) / [unit(b) for b in features.bins]
    for j in np.argsort(-np.nan_to_num(found))[:MOST_FEATURES]:
        one, before, now = features.bins[j], features.counts[j], counts[j]
        cells = [c for c in range(len(before)) if before[c] or now[c]]
        yield Histogram(
            feature=one.name,
            labels=tuple(_label(one, c) for c in cells),
            reference=_shares(before, cells),
            current=_shares(now, cells),
            n_reference=int(before.sum()),
            n_current=int(now.sum()),
            effect=float(found[j]) if np.isfinite(found[j]) else None,
            unit="sd" if isinstance(one, NumericBins) else "of the rows, twice",
        )


def _shares(counts: NDArray[np.int64], cells: list[int]) -> tuple[float, ...]:
    return tuple((counts[cells] / max(int(counts.sum()), 1)).tolist())


def _label(bins: Bins, cell: int) -> str:
    if cell == NULL:
        return "missing"
    if cell == OTHER:
        return "not a number" if isinstance(bins, NumericBins) else "other"
    if not isinstance(bins, NumericBins):
        return bins.categories[cell]
    low = f"{bins.edges[cell - 1]:.3g}" if cell else ""
    high = f"{bins.edges[cell]:.3g}" if cell < min(BINS - 1, len(bins.edges)) else ""
    return f"{low} to {high}" if low and high else f"below {high}" if high else f"{low} and more"


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
    hours = arrival.EDGES / HOUR
    return Arrival(
        tuple(hours.tolist()), tuple(share.tolist()), age / HOUR if age else None, n, labelled
    )
