"""Rows beside the shared time axis: what happened, and the drift of each feature."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from timonel.anomalies import Anomaly
from timonel.monitor.report.heat import (
    legend,
    level,
    newest_effect,
    newest_text,
    numbers,
    small,
    strip_of,
)
from timonel.monitor.report.markup import Markup, tag
from timonel.monitor.report.plot import HEIGHT, WIDTH, drawing
from timonel.monitor.report.scale import TimeScale
from timonel.monitor.report.themes import Group, grouped
from timonel.monitor.report.view import Drift, Event, ReportView
from timonel_serving.monitor.page.asked import Asked

LEAST = 0.006
"""Least share of the width that something takes up, so that it is seen."""


@dataclass(frozen=True, slots=True)
class Happened:
    """The anomalies of one theme: their bars in time, and the address that shows them near."""

    group: Group
    bars: Markup
    near: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that people did, at a share of the width."""

    event: Event
    place: float
    near: str


@dataclass(frozen=True, slots=True)
class Row:
    """The drift of a feature."""

    feature: str
    now: str
    level: int
    strip: Markup
    chosen: bool


@dataclass(frozen=True, slots=True)
class Heat:
    """Drift of the features of most weight."""

    rows: tuple[Row, ...]
    hidden: int
    legend: Markup
    table: Markup


def happened(view: ReportView, asked: Asked, time: TimeScale) -> tuple[Happened, ...]:
    """One row a theme, the worst first."""
    return tuple(
        Happened(
            group,
            drawing(*_bars(group.members, time), label=f"{group.theme}: when it was abnormal"),
            asked.around(group.since, _end(group.lead, time)),
        )
        for group in grouped(view.anomalies)
    )


def marks(view: ReportView, asked: Asked, time: TimeScale) -> tuple[Mark, ...]:
    """What people did, in the order of time."""
    near = timedelta(hours=12)
    return tuple(
        Mark(e, time.at(e.at), asked.around(e.at - near, e.at + near))
        for e in sorted(view.events, key=lambda e: e.at)
    )


def _end(anomaly: Anomaly, time: TimeScale) -> datetime:
    return anomaly.updated if anomaly.cleared else time.end


def _bars(members: Sequence[Anomaly], time: TimeScale) -> Iterator[Markup]:
    for anomaly in sorted(members, key=lambda a: (not a.cleared, a.severity)):
        left = min(time.at(anomaly.since), 1 - LEAST)
        width = max(time.at(_end(anomaly, time)) - left, LEAST)
        yield tag(
            "rect",
            x=left * WIDTH,
            y=0,
            width=width * WIDTH,
            height=HEIGHT,
            class_=f"bar {anomaly.severity}{' over' if anomaly.cleared else ''}",
        )


def heat(drift: Drift, asked: Asked, time: TimeScale) -> Heat:
    """A strip a feature, that of most weight first."""
    grid = small(drift)
    rows = tuple(
        Row(
            row.feature,
            newest_text(row),
            level(newest_effect(row), drift.gates),
            strip_of(row, grid, drift, time),
            row.feature == asked.feature,
        )
        for row in grid.rows
    )
    return Heat(rows, grid.hidden, legend(drift), numbers(drift))
