"""The report's charts: metrics in time, with the band that the watch holds healthy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from timonel.anomalies import ANYWHERE, Band, Reading, Where
from timonel.anomalies.words import name_of
from timonel.monitor.answers import Question, age_of_labels, estimated, figures
from timonel.monitor.maturity import all_labelled
from timonel.monitor.report.view import BandPoint, Chart, Line, Point
from timonel.monitor.spans import Span
from timonel.monitor.times import as_datetime
from timonel.monitor.tracker import Tracker
from timonel.monitor.watching import Watching
from timonel.performance.estimate import Estimate
from timonel.performance.packs.deferred import Layers
from timonel.performance.value import Measured
from timonel.terms import Task
from timonel.windows.layout import DAY, HOUR, MINUTE

STEPS = (15 * MINUTE, HOUR, 6 * HOUR, DAY)
MOST_POINTS = 120
JUDGED = (timedelta(hours=6), timedelta(hours=1), timedelta(minutes=15))
"""Lengths of windows that the watch may know, the longest first."""

QUALITY: Mapping[Task, tuple[str, ...]] = {
    Task.BINARY: ("accuracy", "precision", "recall", "roc_auc"),
    Task.MULTICLASS: ("accuracy", "macro_f1"),
    Task.TEXT: ("accuracy", "macro_f1"),
    Task.RANKING: ("hit_rate", "mrr"),
}
SERVICE = (
    ("latency", ("p95_latency_ms", "p50_latency_ms", "p99_latency_ms")),
    ("null predictions", ("null_rate",)),
    ("errors", ("error_rate", "timeout_rate")),
    ("traffic", ("throughput_per_s",)),
)


VIOLATIONS = ("rows that break the data contract", ("violation_rate",))


@dataclass(frozen=True, slots=True)
class Scope:
    """What the charts are of: windows, and one version or all."""

    steps: Sequence[Span]
    version: str | None = None

    @property
    def whole(self) -> Span:
        """From the first window to the last."""
        return Span(self.steps[0].start, self.steps[-1].end)

    @property
    def where(self) -> Where:
        """The part of the traffic, as the watch names it."""
        return ANYWHERE if self.version is None else Where(version=self.version)


def grid(tracker: Tracker, start: int | None = None, end: int | None = None) -> list[Span]:
    """The windows of the charts: as short as leaves at most MOST_POINTS of what is kept of [start, end).

    None is kept of a stretch before the first event or after the newest one: then there are no windows.
    """
    begin = max(tracker.oldest, tracker.account.state.clock.horizon, start or 0)
    until = tracker.newest + 1 if end is None else min(end, tracker.newest + 1)
    step = next((s for s in STEPS if until - begin <= s * MOST_POINTS), DAY)
    first, last = begin // step * step, -(-until // step) * step
    return [Span(at, at + step) for at in range(first, last, step)] if begin < until else []


def performance(tracker: Tracker, watching: Watching, scope: Scope) -> tuple[Chart, ...]:
    """Quality, one chart a metric: realised, and estimated where that can be.

    The stretch whose labels are still to come is marked. Of a binary model, the share predicted positive
    besides, which needs no labels.
    """
    values = [_quality(tracker, Question(span, scope.version)) for span in scope.steps]
    immature = _immature_from(tracker, scope.steps)
    quality = [
        Chart(
            title=name_of(name),
            metric=name,
            lines=_lines(name, scope.steps, values),
            baseline=_band(watching, name, scope, [v.get(name) for v in values]),
            immature_from=immature,
            why_empty="No labels have come yet; they tell how good the predictions are.",
        )
        for name in QUALITY[tracker.account.model.task]
    ]
    if tracker.account.model.task is not Task.BINARY:
        return tuple(quality)
    alerts = [v.get("alert_rate") for v in values]
    return *quality, Chart(
        title=name_of("alert_rate"),
        metric="alert_rate",
        lines=(_line("predicted positive", scope.steps, alerts),),
        baseline=_band(watching, "alert_rate", scope, alerts),
        why_empty="No predictions are classes of the model.",
    )


def _immature_from(tracker: Tracker, steps: Sequence[Span]) -> datetime | None:
    """From where on labels are still to come; None where they have, however young the predictions are."""
    age, state = age_of_labels(tracker), tracker.account.state
    young = (state.sums(s.start, s.end) for s in steps if s.end > tracker.newest - age)
    if not age or all(all_labelled(sums) for sums in young if sums.n):
        return None
    return as_datetime(max(tracker.newest - age, steps[0].start))


def _quality(tracker: Tracker, asked: Question) -> Mapping[str, Measured]:
    found = figures(tracker, asked)
    return Layers(found.values, estimated(tracker, asked, found))


def _lines(
    name: str, steps: Sequence[Span], values: Sequence[Mapping[str, Measured]]
) -> tuple[Line, ...]:
    """The realised metric, and the estimated one with what it assumes."""
    realised = _line("realised", steps, [v.get(name) for v in values])
    guessed = [v.get(f"estimated_{name}") for v in values]
    newest = guessed[-1]
    if not isinstance(newest, Estimate):
        return (realised,)
    says = newest.assumption.removeprefix("assumes ")
    return realised, replace(_line("estimated", steps, guessed), assumption=says)


def service(tracker: Tracker, watching: Watching, scope: Scope) -> tuple[Chart, ...]:
    """Latency, failures, traffic; last, the rows that break the data contract."""
    values = [figures(tracker, Question(span, scope.version)).values for span in scope.steps]
    return tuple(
        Chart(
            title=title,
            metric=names[0],
            lines=tuple(_line(_short(n), scope.steps, [v.get(n) for v in values]) for n in names),
            baseline=_band(watching, names[0], scope, [v.get(names[0]) for v in values]),
            why_empty="Nothing was logged: pass latency_ms and status with each prediction.",
        )
        for title, names in (*SERVICE, VIOLATIONS)
    )


def _short(name: str) -> str:
    return name.replace("_latency_ms", "").replace("_per_s", "").replace("_", " ")


def _line(name: str, steps: Sequence[Span], values: Sequence[Measured | None]) -> Line:
    points = (
        Point(as_datetime(s.start), as_datetime(s.end), v)
        for s, v in zip(steps, values, strict=True)
        if v is not None
    )
    return Line(name, tuple(points))


def _band(
    watching: Watching, name: str, scope: Scope, values: Sequence[Measured | None]
) -> tuple[BandPoint, ...]:
    """Where the watch has a baseline, of windows with a value: how wide it is follows from their rows."""
    found = []
    for span, value in zip(scope.steps, values, strict=True):
        if value is None or not value.ok:
            continue
        start, end = as_datetime(span.start), as_datetime(span.end)
        band = _known_band(watching, Reading(start, end, name, value, scope.where))
        if band is not None:
            found.append(BandPoint(start, end, band.expected, band.lower, band.upper))
    return tuple(found)


def _known_band(watching: Watching, asked: Reading) -> Band | None:
    """Of windows of this length; where none is known, of the longest shorter ones, for this one's rows."""
    for length in (asked.span, *(s for s in JUDGED if s < asked.span)):
        start = asked.start + (asked.span - length) / 2
        band = watching.watch.band(replace(asked, start=start, end=start + length))
        if band is not None:
            return band
    return None
