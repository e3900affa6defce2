"""Panels of a Grafana dashboard as data, and what Grafana reads of them.

Only what the dashboard needs of Grafana's model (schema version 39, Grafana 11): a row of panels, each with
queries of Prometheus.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
"""Width of Grafana's grid."""
HEIGHT = 8
Kind = Literal["timeseries", "stat", "bargauge", "table", "state-timeline"]
_INSTANT = ("stat", "bargauge", "table")


@dataclass(frozen=True, slots=True)
class Query:
    """An expression and what its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: what it shows, in which unit, and how to read it."""

    title: str
    about: str
    queries: tuple[Query, ...]
    kind: Kind = "timeseries"
    unit: str = "short"
    """Grafana's name of the unit: percentunit, s, ms, reqps, bytes, short."""
    width: int = 8
    colours: Mapping[str, str] = field(default_factory=dict)
    """By the series' name; all others by the palette."""


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


def laid_out(sections: tuple[Section, ...]) -> list[dict[str, Any]]:
    """All panels with their places on the grid, each section's heading above its own."""
    placed: list[dict[str, Any]] = []
    top = 0
    for section in sections:
        placed.append(_heading(section.title, top, len(placed) + 1))
        top += 1
        for panel, left, down in _places(section.panels):
            at = {"x": left, "y": top + down, "w": panel.width, "h": HEIGHT}
            placed.append(_panel(panel, at, len(placed) + 1))
        top = placed[-1]["gridPos"]["y"] + HEIGHT
    return placed


def _places(panels: tuple[Panel, ...]) -> Iterator[tuple[Panel, int, int]]:
    """From left to right, then on to the next line."""
    left = down = 0
    for panel in panels:
        if left + panel.width > COLUMNS:
            left, down = 0, down + HEIGHT
        yield panel, left, down
        left += panel.width


def _heading(title: str, top: int, number: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": place,
        "panels": [],
    }


def _panel(panel: Panel, place: dict[str, int], number: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": [_target(panel, q, chr(ord("A") + i)) for i, q in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _options(panel),
    }


def _target(panel: Panel, query: Query, letter: str) -> dict[str, Any]:
    instant = panel.kind in _INSTANT
    return {
        "refId": letter,
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": instant,
        "range": not instant,
        "format": "table" if panel.kind == "table" else "time_series",
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    # no line through a gap: what is unknown is not drawn
    custom = {"spanNulls": False, "showPoints": "auto"} if panel.kind == "timeseries" else {}
    return {"unit": panel.unit, "noValue": "no data", "custom": custom}


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    return [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for name, colour in panel.colours.items()
    ]


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "timeseries":
        return {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull"]}}
    if panel.kind == "table":
        return {}
    if panel.kind == "state-timeline":
        return {"showValue": "never", "mergeValues": True}
    reduced = {"reduceOptions": {"calcs": ["lastNotNull"], "values": False}}
    return reduced | ({"textMode": "value_and_name"} if panel.kind == "stat" else {})
