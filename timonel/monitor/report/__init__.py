"""The HTML report: `render(view)` of a `ReportView` gives one self-contained page."""

from timonel.monitor.report.page import render
from timonel.monitor.report.verdict import Status, Verdict, verdict
from timonel.monitor.report.view import (
    Arrival,
    BandPoint,
    Chart,
    Drift,
    DriftRow,
    Event,
    EventKind,
    Histogram,
    Line,
    Point,
    ReportView,
    Version,
    Violation,
)

__all__ = [
    "Arrival",
    "BandPoint",
    "Chart",
    "Drift",
    "DriftRow",
    "Event",
    "EventKind",
    "Histogram",
    "Line",
    "Point",
    "ReportView",
    "Status",
    "Verdict",
    "Version",
    "Violation",
    "render",
    "verdict",
]
