"""Well or not, since when, what to do: the page's first sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from timonel.anomalies import Anomaly, Severity, ranked
from timonel.anomalies.words import DRIFT, STOPPED, clock
from timonel.monitor.report.view import ReportView

SAME_TIME = timedelta(hours=6)
"""What opens within this of the first tells of the same trouble: long windows see it later."""
TELLING = (
    *("null_rate", "error_rate", "timeout_rate", "accuracy", "macro_f1", "hit_rate", "recall"),
    *("precision", "roc_auc", "p95_latency_ms", "p50_latency_ms", DRIFT, "alert_rate"),
)
"""Metrics that need no explanation; the first of them is told first."""


class Status(StrEnum):
    """How the model is."""

    WELL = "well"
    WATCH = "watch"
    DEGRADED = "degraded"
    NO_DATA = "no data"
    LEARNING = "learning"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state in one word, one sentence, and the next step."""

    status: Status
    sentence: str
    next_step: str
    since: datetime | None = None


def verdict(view: ReportView) -> Verdict:
    """From what is open: a page degrades, a ticket or a remark asks to watch."""
    open_ = [a for a in ranked(view.anomalies) if not a.cleared]
    if view.n == 0 or any(a.what == STOPPED for a in open_):
        return _no_data(view, open_)
    if open_:
        return _off(open_)
    if view.learning:
        return Verdict(
            Status.LEARNING,
            f"Learning what is normal: {view.learning}. Nothing is judged against a baseline until then.",
            "Wait, or give a reference at once: `ModelMonitor(reference=Reference.fit(...))`.",
        )
    return Verdict(Status.WELL, _well(view), "Nothing to do.")


def _no_data(view: ReportView, open_: Sequence[Anomaly]) -> Verdict:
    stopped = next((a for a in open_ if a.what == STOPPED), None)
    if stopped is not None:
        said = stopped.evidence[0].text if stopped.evidence else STOPPED
        return Verdict(
            Status.NO_DATA,
            f"No data since {clock(stopped.since)}: {said}.",
            stopped.next_step,
            stopped.since,
        )
    if view.newest is None:
        return Verdict(
            Status.NO_DATA,
            "No prediction has been tracked yet.",
            "Send predictions: `monitor.track_batch(frame)`, or `timonel monitor log.parquet`.",
        )
    return Verdict(
        Status.NO_DATA,
        f"No prediction in the time shown; the newest is of {clock(view.newest)}.",
        "Choose a longer window, or check that the service's log reaches the monitor.",
    )


def leading(open_: Sequence[Anomaly]) -> Anomaly:
    """The one that says most: most severe, among the first to open, of a metric that people know."""
    severest = max(a.severity for a in open_)
    candidates = [a for a in open_ if a.severity is severest]
    began = min(a.since for a in candidates) + SAME_TIME
    return min(candidates, key=lambda a: (a.since > began, _place(a), str(a.where), a.since))


def _place(anomaly: Anomaly) -> int:
    known = anomaly.what in TELLING
    return TELLING.index(anomaly.what) if known else len(TELLING)


def _off(open_: Sequence[Anomaly]) -> Verdict:
    worst = leading(open_)
    since = min(a.since for a in open_ if a.severity is worst.severity)
    degraded = worst.severity is Severity.PAGE
    head = "Degrading" if degraded else "Worth watching"
    more = len(open_) - 1
    rest = f"; {more} more {'anomaly is' if more == 1 else 'anomalies are'} open" if more else ""
    return Verdict(
        Status.DEGRADED if degraded else Status.WATCH,
        f"{head} since {clock(since)}: {worst.sentence}{rest}.",
        worst.next_step,
        since,
    )


def _well(view: ReportView) -> str:
    cleared = [a for a in view.anomalies if a.cleared]
    if not cleared:
        return "No anomaly in the time shown."
    last = max(cleared, key=lambda a: a.updated)
    return f"No anomaly is open; the last one cleared {clock(last.updated)} ({last.sentence})."
