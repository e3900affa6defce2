"""Charts as the script draws them: numbers in columns, places and words of the ticks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from timonel.monitor.report.chart import (
    Shown,
    legend_of,
    newest_of,
    scale_of,
    shown_of,
    spoken,
    why_empty,
)
from timonel.monitor.report.markup import Markup
from timonel.monitor.report.plot import tick_text
from timonel.monitor.report.scale import TimeScale, ValueScale
from timonel.monitor.report.tables import series_table
from timonel.monitor.report.view import Chart, Point

Column = list[float | None]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its words: what stands beside the picture, and the numbers in it."""

    place: int
    """Which of its section."""
    title: str
    newest: Markup
    legend: Markup
    table: Markup
    label: str
    assumption: str
    """What the estimate rests on, if there is one."""
    empty: str
    """Why there is no picture; then there is no data."""
    data: dict[str, Any]


def figure(place: int, chart: Chart) -> Figure:
    """The chart for the page; windows are those of any line, in their order."""
    shown = shown_of(chart)
    lines = [(s.line.name, s.points) for s in shown]
    drawn = any(s.newest for s in shown)
    return Figure(
        place=place,
        title=chart.title,
        newest=newest_of(chart, shown[0]),
        legend=legend_of(chart, shown, brief=True),
        assumption=next((s.line.assumption for s in shown if s.dashed), ""),
        table=series_table(chart.metric, lines),
        label=spoken(chart, shown),
        empty="" if drawn else why_empty(chart),
        data=_data(chart, shown) if drawn else {},
    )


def axis(time: TimeScale) -> dict[str, Any]:
    """The time axis that all pictures share: its ends and ticks, seconds since 1970."""
    start, end = time.start.timestamp(), time.end.timestamp()
    ticks = [[start + x * (end - start), text] for x, text in time.ticks()]
    return {"start": start, "end": end, "ticks": ticks}


def _data(chart: Chart, shown: Sequence[Shown]) -> dict[str, Any]:
    starts = sorted({p.start for s in shown for p in s.points})
    ends = {p.start: p.end for s in shown for p in s.points}
    at = [start.timestamp() for start in starts]
    values, until = scale_of(chart, shown), chart.immature_from
    bands = {b.start: b for b in chart.baseline}
    found = [bands.get(start) for start in starts]
    return {
        "x": [(a + ends[s].timestamp()) / 2 for a, s in zip(at, starts, strict=True)],
        "lines": [_line(s, values, starts) for s in shown],
        "low": [_inside(None if b is None else b.lower, values) for b in found],
        "high": [_inside(None if b is None else b.upper, values) for b in found],
        "immature": None if until is None else until.timestamp(),
        "scale": [values.low, values.high],
        "ticks": [[t, tick_text(chart.metric, t)] for t in values.ticks],
    }


def _line(shown: Shown, values: ValueScale, starts: Sequence[Any]) -> dict[str, Any]:
    points: dict[Any, Point] = {p.start: p for p in shown.points if p.value.ok}
    found = [points.get(start) for start in starts]
    known: list[Column] = [
        [None if p is None else _inside(getattr(p.value, end), values) for p in found]
        for end in ("value", "lower", "upper")
    ]
    return {
        "colour": shown.colour,
        "dashed": shown.dashed,
        "banded": shown.banded,
        "value": known[0],
        "lower": known[1],
        "upper": known[2],
    }


def _inside(value: float | None, values: ValueScale) -> float | None:
    """An end of an interval beyond the picture's edge is drawn at the edge."""
    return None if value is None else min(max(value, values.low), values.high)
