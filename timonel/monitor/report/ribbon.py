"""What happened when: anomalies as bars, deployments and the like as marks, on the axis of all pictures."""

from timonel.anomalies import Anomaly, ranked
from timonel.anomalies.words import clock, figure, name_of
from timonel.monitor.report.icons import severity_mark
from timonel.monitor.report.markup import Markup, join, shortened, tag
from timonel.monitor.report.plot import time_axis
from timonel.monitor.report.scale import TimeScale
from timonel.monitor.report.tables import details, table
from timonel.monitor.report.view import Event, ReportView

MOST = 12
MOST_EXPLAINED = 5
MOST_TOLD = 50
LANES, LABEL = 6, 0.6
"""Rows of marks, and the part of the width that a label may take on a narrow screen."""
TURN = 0.55
"""From here on a label stands to the left of its mark."""


def ribbon(view: ReportView, time: TimeScale) -> Markup:
    """The bars, the numbers of each anomaly below."""
    anomalies = ranked(view.anomalies)
    if not anomalies and not view.events:
        return tag("p", "Nothing happened in the time shown.", class_="empty")
    bars = [_bar(a, view, time) for a in anomalies[:MOST]]
    hidden = len(anomalies) - MOST
    more = tag("p", f"{hidden:,} more anomalies are in the table.", class_="note")
    return tag(
        "figure",
        tag("div", _marks(view, time), *bars, class_="ribbon"),
        time_axis(time),
        more if hidden > 0 else None,
        join(*(_told(a) for a in anomalies[:MOST_EXPLAINED] if not a.cleared)),
        details("Numbers", _numbers(view)),
    )


def _marks(view: ReportView, time: TimeScale) -> Markup | None:
    if not view.events:
        return None
    told = sorted(view.events, key=lambda e: e.at)[-MOST_TOLD:]
    lanes = _lanes([time.at(e.at) for e in told])
    shown = [_mark(event, time, lane) for event, lane in zip(told, lanes, strict=True)]
    height = f"height:{22 * (max(lanes) + 1)}px"
    return tag("div", *shown, class_="events", style=height)


def _lanes(places: list[float]) -> list[int]:
    """A lane for each mark, so that labels beside each other do not meet; the last one is for the rest."""
    ends: list[float] = []
    lanes = []
    for x in places:
        left, right = (x, x + LABEL) if x < TURN else (x - LABEL, x)
        free = next((i for i, end in enumerate(ends) if left >= end), min(len(ends), LANES - 1))
        ends[free : free + 1] = [right]
        lanes.append(free)
    return lanes


def _mark(event: Event, time: TimeScale, lane: int) -> Markup:
    x = time.at(event.at)
    side = "left" if x < TURN else "right"
    place = 100 * (x if side == "left" else 1 - x)
    return tag(
        "span",
        f"{event.kind} {shortened(event.text, 24)}",
        class_=f"event {side}",
        style=f"{side}:{place:.4g}%;top:{22 * lane}px",
        title=f"{event.kind}: {event.text}, {clock(event.at)}",
    )


def _bar(anomaly: Anomaly, view: ReportView, time: TimeScale) -> Markup:
    left = time.at(anomaly.since)
    end = anomaly.updated if anomaly.cleared else view.end
    width = max(time.at(end) - left, 0.004)
    until = f"to {clock(anomaly.updated)}" if anomaly.cleared else "until now"
    return tag(
        "div",
        tag(
            "p",
            severity_mark(anomaly.severity, anomaly.cleared),
            " ",
            tag("b", shortened(_head(anomaly), 60)),
            f" {clock(anomaly.since)} {until}",
        ),
        tag(
            "div",
            tag(
                "i",
                class_=f"bar {anomaly.severity}{' hollow' if anomaly.cleared else ''}",
                style=f"left:{100 * left:.4g}%;width:{100 * width:.4g}%",
            ),
            class_="track",
        ),
        class_="anomaly",
    )


def _head(anomaly: Anomaly) -> str:
    place = f" ({anomaly.where})" if str(anomaly.where) else ""
    return name_of(anomaly.what) + place


def _told(anomaly: Anomaly) -> Markup:
    reasons = [tag("li", e.text) for e in anomaly.evidence]
    return tag(
        "section",
        tag("h3", severity_mark(anomaly.severity), " ", anomaly.sentence),
        tag("ul", *reasons) if reasons else None,
        tag("p", tag("b", "Next: "), coded(anomaly.next_step)) if anomaly.next_step else None,
        class_="told",
    )


def coded(text: str) -> Markup:
    """Text whose commands, in backticks, are set as code."""
    parts = text.split("`")
    return join(*(tag("code", p) if i % 2 else p for i, p in enumerate(parts)))


def _numbers(view: ReportView) -> Markup:
    rows = [
        [
            _head(a),
            f"{a.severity}, {a.phase}",
            clock(a.since),
            clock(a.updated),
            "none" if a.observed.value is None else figure(a.what, a.observed.value),
            "none" if a.expected is None else figure(a.what, a.expected),
            "none" if a.baseline is None else " to ".join(figure(a.what, x) for x in a.baseline),
        ]
        for a in ranked(view.anomalies)[:MOST_TOLD]
    ]
    rows += [[e.text, str(e.kind), clock(e.at), "", "", "", ""] for e in view.events[-MOST_TOLD:]]
    head = ["what", "state", "since", "updated", "observed", "expected", "healthy range"]
    return table("Anomalies and events, UTC", head, rows)
