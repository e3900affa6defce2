"""Answers from the windows: the metrics of a stretch of time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan import data_drift_score, effects
from timonel.drift.scan.pools import LEAST_POOL_ROWS
from timonel.durations import microseconds
from timonel.monitor.feature_windows import SCORE
from timonel.monitor.maturity import Complete, all_labelled, mature_part, maturity_age
from timonel.monitor.metrics import Metrics
from timonel.monitor.spans import Span
from timonel.monitor.times import as_datetime
from timonel.monitor.tracker import Tracker
from timonel.performance.packs.deferred import Deferred, Layers, from_table
from timonel.performance.packs.measures import share
from timonel.performance.packs.pack import MetricPack
from timonel.performance.value import Measured, State
from timonel.windows.layout import DAY
from timonel.windows.ranges import Sums

Counts = NDArray[np.int64]
Slice = tuple[str, str]

DRIFT = "data_drift_score"


@dataclass(frozen=True, slots=True)
class Question:
    """Which rows a metric is about."""

    span: Span
    version: str | None = None
    slice: Slice | None = None


def answer(tracker: Tracker, asked: Question) -> Metrics:
    """All metrics of the rows asked for, as they are now; each is computed when it is read."""
    found = figures(tracker, asked)
    served, part = found.served, found.part
    return Metrics(
        start=as_datetime(served.start),
        end=as_datetime(served.end),
        n=served.n,
        n_labelled=served.n_labelled,
        values=Layers(
            found.values,
            from_table(_LABELS, served),
            estimated(tracker, asked, found),
            _drift(tracker, asked),
        ),
        version=asked.version,
        slice=asked.slice,
        labels_until=None if part in (None, asked.span) else as_datetime(part.end),
        notes=_warnings(tracker, found, asked.span),
        rejected=reasons(tracker),
    )


_LABELS: Mapping[str, Callable[[Sums], Measured]] = {
    "n_labelled": lambda served: Measured(float(served.n_labelled), n=served.n),
    "label_share": lambda served: share(served.n_labelled, served.n),
}
"""How many labels there are, of the whole window."""


@dataclass(frozen=True, eq=False)
class Figures:
    """What the packs say of a window."""

    served: Sums
    counters: Complete
    part: Span | None
    """The part whose labels have come; None: too little of it."""
    age: int
    """From which age, in microseconds, labels count as complete; 0 where all have come."""
    values: Mapping[str, Measured]


def figures(tracker: Tracker, asked: Question) -> Figures:
    """The figures of the packs; quality from the part of the window whose labels have come."""
    account, span = tracker.account, asked.span
    served = account.state.sums(span.start, span.end, asked.version, asked.slice)
    age = 0 if all_labelled(served) else age_of_labels(tracker)
    part, mature = mature_part(span, tracker.newest, age), served
    if part is not None and part != span:
        mature = account.state.sums(part.start, part.end, asked.version, asked.slice)
    counters = Complete(served, mature, account.judged)
    values = _values(account.model.packs, counters, span.seconds, immature=part is None)
    return Figures(served, counters, part, age, values)


def estimated(tracker: Tracker, asked: Question, found: Figures) -> Mapping[str, Measured]:
    """Quality without labels, and realised less estimated where there are any.

    Not of slices: a score that is right overall need not be so in each part.
    """
    if tracker.estimates is None or asked.slice is not None:
        return {}
    keep_trust(tracker)
    return tracker.estimates.figures(found.counters, found.values)


def keep_trust(tracker: Tracker) -> None:
    """Check the estimates on each whole day (UTC) whose labels have come and that was not checked yet."""
    estimates, state = tracker.estimates, tracker.account.state
    if estimates is None:
        return
    oldest, mature = (
        max(tracker.oldest, state.clock.horizon),
        tracker.newest - age_of_labels(tracker),
    )
    until = complete_until(tracker)
    for start in range(-(-oldest // DAY) * DAY, until - DAY + 1, DAY):
        if start not in estimates.checked:
            day = state.sums(start, start + DAY)
            if start + DAY <= mature or all_labelled(day):
                estimates.check(start, day)


def complete_until(tracker: Tracker) -> int:
    """Up to here no more predictions are awaited: what has ended by then can be judged."""
    return tracker.newest - microseconds(tracker.config.lateness)


def age_of_labels(tracker: Tracker) -> int:
    """The age, in microseconds, from which labels count as complete: as set, or as learnt."""
    if tracker.config.label_maturity is not None:
        return microseconds(tracker.config.label_maturity)
    return maturity_age(tracker.account.pending.delays)


def reasons(tracker: Tracker) -> dict[str, int]:
    """What could not be used so far, by reason."""
    account = tracker.account
    tally = account.pending.tally
    found = {
        **tracker.rejected,
        **{reason: getattr(tally, name) for name, reason in _LABEL_REASONS.items()},
        "prediction older than the retention": int(account.state.expired[0]),
        "label that waits for its prediction": account.pending.waiting,
        "prediction held back: its time lies far ahead": tracker.held_back,
    }
    return {reason: found[reason] for reason in sorted(r for r, count in found.items() if count)}


_LABEL_REASONS = {
    "duplicate": "label that said what was known",
    "corrected": "label that corrected an earlier one",
    "outdated": "label older than the one that stands",
    "conflicting": "label that contradicts another of the same time",
    "unknown": "label for an unknown prediction: given up",
    "duplicate_predictions": "prediction with an id that another has",
    "dropped": "prediction that waited too long for its label",
}


def _values(
    packs: Sequence[MetricPack], counters: Complete, seconds: float, *, immature: bool
) -> Layers:
    values = Layers(*(pack.metrics(counters, seconds) for pack in packs))
    if not immature:
        return values
    quality = frozenset[str]().union(*(pack.quality for pack in packs))
    waiting = {name: None for name in values if family(name) in quality}
    return Layers(
        values,
        Deferred(waiting, lambda name: Measured.absent(State.IMMATURE, values[name].n)),
    )


def family(name: str) -> str:
    """A metric's name without what follows "[": "recall[spam]" is a recall."""
    return name.split("[", 1)[0]


def _drift(tracker: Tracker, asked: Question) -> Mapping[str, Measured]:
    """The drift of all versions: the bins of slices are not kept."""
    if asked.version is not None or asked.slice is not None:
        return {}
    features = tracker.features
    if features is None:
        rows = tracker.learning.rows if tracker.learning is not None else 0
        return {DRIFT: Measured.absent(State.LEARNING, rows)}
    sums = features.sums(asked.span.start, asked.span.end)
    own = [j for j, bins in enumerate(features.bins) if bins.name != SCORE]

    def score(name: str) -> Measured:
        bins = tuple(features.bins[j] for j in own)
        return data_drift_score(features.counts_of(sums)[own], features.counts[own], bins)

    def effect(name: str) -> Measured:
        j = features.effects[name]
        counts = features.counts_of(sums)[[j]]
        (found,) = effects(counts, features.counts[[j]], (features.bins[j],)).tolist()
        return _effect(found, int(counts.sum()))

    return Layers(Deferred({DRIFT: None}, score), Deferred(features.effects, effect))


def _effect(effect: float, rows: int) -> Measured:
    known = np.isfinite(effect)
    return Measured(max(effect, 0.0), n=rows) if known else Measured.absent(State.NO_DATA, rows)


def _warnings(tracker: Tracker, found: Figures, span: Span) -> Callable[[], tuple[str, ...]]:
    packs, progress = tracker.account.model.packs, tracker.learning
    reference = None if tracker.features is None else tracker.features.reference

    def told() -> Iterator[str]:
        for pack in packs:
            yield from pack.warnings(found.counters)
        if progress is not None:
            yield f"learning: {progress}; no drift is told until then"
        elif reference is not None and reference.learnt:
            yield (
                f"the reference is the first stable stretch of {reference.rows:,} predictions,"
                " for want of another"
            )
        if reference is not None and 0 < found.served.n * DAY < LEAST_POOL_ROWS * (
            span.end - span.start
        ):
            yield (
                f"fewer than {LEAST_POOL_ROWS} predictions a day: too few for an episode of drift,"
                " which looks back a day at most; compare data_drift_score over longer windows"
            )
        yield from _of_labels(found, span)

    return lambda: tuple(told())


def _of_labels(found: Figures, span: Span) -> Iterator[str]:
    days = found.age / DAY
    if found.part is None:
        yield f"labels take {days:.1f} days: quality of this window is told later"
    elif found.part != span:
        until = f"{as_datetime(found.part.end):%d %b %H:%M}"
        yield f"labels take {days:.1f} days: quality is told from predictions up to {until}"
