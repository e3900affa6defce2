"""Where a model stands now: what is open, how old its data and labels are, how far its features are off."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from timonel.anomalies import Anomaly, Reading, ranked
from timonel.drift.scan import effects
from timonel.drift.scan.effects import unit
from timonel.monitor.answers import Question, age_of_labels, figures
from timonel.monitor.report.verdict import Verdict, verdict
from timonel.monitor.report.view import ReportView
from timonel.monitor.spans import Span
from timonel.monitor.times import as_datetime
from timonel.monitor.tracker import Tracker
from timonel.monitor.watching import LONG, Watching
from timonel.performance.value import Measured, State
from timonel.windows.layout import DAY, MINUTE
from timonel.windows.pending import NEVER

Band = tuple[float, float]


@dataclass(frozen=True)
class LabelCounts:
    """What became of the labels since the monitor began."""

    tally: Mapping[str, int]
    """As `timonel.windows.labels.Tally` names them."""
    waiting: int
    """Held until their prediction comes."""
    rejected: Mapping[str, int]
    """What could not be used, by reason; that of predictions, too."""

    def since(self, before: "LabelCounts") -> "LabelCounts":
        """What came to it."""
        return LabelCounts(
            {name: count - before.tally[name] for name, count in self.tally.items()},
            self.waiting - before.waiting,
            dict(Counter(self.rejected) - Counter(before.rejected)),
        )


@dataclass(frozen=True)
class LabelStanding:
    """Labels, as far as they have come."""

    counts: LabelCounts
    newest: datetime | None
    """When the newest of those that count arrived."""
    mature_share: Measured
    """Of the newest day of predictions whose labels should have come: the share that has one."""


@dataclass(frozen=True, eq=False)
class Standing:
    """A model at the time of its newest event."""

    newest: datetime | None
    """Time of the newest event; None: there has never been one."""
    verdict: Verdict
    open: tuple[Anomaly, ...]
    """Most severe first."""
    cleared: tuple[Anomaly, ...]
    """The newest of what is over."""
    versions: tuple[str, ...]
    labels: LabelStanding
    drift: Mapping[str, Measured]
    """By feature: the last day against the reference, in standard deviations (categories: twice the
    total variation)."""
    bands: Mapping[str, Band]
    """By metric, where it is known: where the newest six hours should lie if the model is healthy."""


def standing_of(tracker: Tracker, watching: Watching) -> Standing:
    """All of it, as it was judged last."""
    open_, cleared = tuple(watching.open), tuple(ranked(watching.cleared))
    return Standing(
        newest=None if tracker.newest < 0 else as_datetime(tracker.newest),
        verdict=verdict(_summary(tracker, (*open_, *cleared))),
        open=open_,
        cleared=cleared,
        versions=tuple(tracker.account.state.versions()),
        labels=_labels(tracker),
        drift=_drift(tracker),
        bands=_bands(tracker, watching),
    )


def label_counts(tracker: Tracker) -> LabelCounts:
    """What became of the labels; of what could not be used that of predictions, too."""
    pending = tracker.account.pending
    return LabelCounts(pending.tally.to_dict(), pending.waiting, dict(tracker.rejected))


def _summary(tracker: Tracker, anomalies: tuple[Anomaly, ...]) -> ReportView:
    """As much of the report as its first sentence needs."""
    known, learning = tracker.newest >= 0, tracker.learning
    newest = as_datetime(max(tracker.newest, 0))
    return ReportView(
        model=tracker.config.name,
        start=newest,
        end=newest,
        n=int(known),
        n_labelled=0,
        newest=newest if known else None,
        learning="" if learning is None else str(learning),
        anomalies=anomalies,
    )


def _labels(tracker: Tracker) -> LabelStanding:
    pending = tracker.account.pending
    arrived = [c.arrived[c.arrived != NEVER] for c in (*pending.chunks, *pending.fresh)]
    newest = max((int(a.max()) for a in arrived if len(a)), default=None)
    until = (tracker.newest - age_of_labels(tracker)) // MINUTE * MINUTE
    mature = tracker.account.state.sums(until - DAY, until)
    share = Measured.absent(State.NO_DATA)
    if mature.n:
        share = Measured(mature.n_labelled / mature.n, n=mature.n)
    return LabelStanding(
        label_counts(tracker),
        None if newest is None else as_datetime(newest),
        share,
    )


def _drift(tracker: Tracker) -> dict[str, Measured]:
    features = tracker.features
    if features is None or tracker.newest < 0:
        return {}
    end = tracker.newest + 1
    counts = features.between(end - DAY, end)
    found = effects(counts, features.counts, features.bins) / [unit(b) for b in features.bins]
    return {
        bins.name: Measured(max(float(effect), 0.0), n=int(rows.sum()))
        for bins, effect, rows in zip(features.bins, found, counts, strict=True)
        if np.isfinite(effect)
    }


def _bands(tracker: Tracker, watching: Watching) -> dict[str, Band]:
    end = tracker.newest // LONG * LONG
    if end < LONG:
        return {}
    span = Span(end - LONG, end)
    start, until = as_datetime(span.start), as_datetime(span.end)
    values = figures(tracker, Question(span)).values
    found = {
        name: watching.watch.band(Reading(start, until, name, values[name])) for name in values
    }
    return {name: (band.lower, band.upper) for name, band in found.items() if band is not None}
