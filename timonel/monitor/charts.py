"""The report's charts: metrics in time, with the band that the watch holds healthy."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from timonel.anomalies import Reading
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

QUALITY: Mapping[Task, tuple[str, ...]] = {
    Task.BINARY: ("accuracy", "precision", "recall", "roc_auc"),
    Task.MULTICLASS: ("accuracy", "macro_f1"),
    Task.TEXT: ("accuracy", "macro_f1"),
    Task.RANKING: ("hit_rate", "mrr"),
}
SERVICE = (
    ("Latency", ("p50_latency_ms", "p95_latency_ms", "p99_latency_ms")),
    ("Failures", ("error_rate", "timeout_rate", "null_rate")),
    ("Traffic", ("throughput_per_s",)),
)


def grid(tracker: Tracker) -> list[Span]:
    """The windows of the charts: as short as leaves at most MOST_POINTS of all that is kept."""
    begin = max(tracker.oldest, tracker.account.state.clock.horizon)
    step = next((s for s in STEPS if tracker.newest - begin < s * MOST_POINTS), DAY)
    first, last = begin // step * step, -(-(tracker.newest + 1) // step) * step
    return [Span(start, start + step) for start in range(first, last, step)]


def performance(tracker: Tracker, watching: Watching, steps: Sequence[Span]) -> tuple[Chart, ...]:
    """Quality, one chart a metric: realised, and estimated where that can be.

    The stretch whose labels are still to come is marked. Of a binary model, the share predicted positive
    besides, which needs no labels.
    """
    values = [_quality(tracker, span) for span in steps]
    immature = _immature_from(tracker, steps)
    quality = [
        Chart(
            title=name.replace("_", " "),
            metric=name,
            lines=_lines(name, steps, values),
            baseline=_band(watching, name, steps, [v.get(name) for v in values]),
            immature_from=immature,
            why_empty="No labels have come: track_label brings them.",
        )
        for name in QUALITY[tracker.account.model.task]
    ]
    if tracker.account.model.task is not Task.BINARY:
        return tuple(quality)
    alerts = [v.get("alert_rate") for v in values]
    return *quality, Chart(
        title="share predicted positive",
        metric="alert_rate",
        lines=(_line("predicted positive", steps, alerts),),
        baseline=_band(watching, "alert_rate", steps, alerts),
        why_empty="No predictions are classes of the model.",
    )


def _immature_from(tracker: Tracker, steps: Sequence[Span]) -> datetime | None:
    """From where on labels are still to come; None where they have, however young the predictions are."""
    age, state = age_of_labels(tracker), tracker.account.state
    young = (state.sums(s.start, s.end) for s in steps if s.end > tracker.newest - age)
    if not age or all(all_labelled(sums) for sums in young if sums.n):
        return None
    return as_datetime(max(tracker.newest - age, 0))


def _quality(tracker: Tracker, span: Span) -> Mapping[str, Measured]:
    found = figures(tracker, Question(span))
    return Layers(found.values, estimated(tracker, Question(span), found))


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


def service(tracker: Tracker, watching: Watching, steps: Sequence[Span]) -> tuple[Chart, ...]:
    """Latency, failures, traffic."""
    values = [figures(tracker, Question(span)).values for span in steps]
    return tuple(
        Chart(
            title=title,
            metric=names[0],
            lines=tuple(_line(_short(n), steps, [v.get(n) for v in values]) for n in names),
            baseline=_band(watching, names[0], steps, [v.get(names[0]) for v in values]),
            why_empty="Nothing was logged: pass latency_ms and status with each prediction.",
        )
        for title, names in SERVICE
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
    watching: Watching, name: str, steps: Sequence[Span], values: Sequence[Measured | None]
) -> tuple[BandPoint, ...]:
    """Where the watch has a baseline for windows of this length."""
    found = []
    for span, value in zip(steps, values, strict=True):
        if value is None:
            continue
        start, end = as_datetime(span.start), as_datetime(span.end)
        band = watching.watch.band(Reading(start, end, name, value))
        if band is not None:
            found.append(BandPoint(start, end, band.expected, band.lower, band.upper))
    return tuple(found)
