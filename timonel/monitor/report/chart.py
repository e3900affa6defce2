"""Lines in time: what was measured, its interval, what is only estimated, where a healthy window lies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from statistics import median

from timonel.anomalies.words import clock, figure, is_share
from timonel.monitor.report.markup import Markup, join, tag
from timonel.monitor.report.plot import drawing, framed, xy
from timonel.monitor.report.scale import TimeScale, ValueScale
from timonel.monitor.report.tables import details, series_table
from timonel.monitor.report.thin import MOST_POINTS, thinned
from timonel.monitor.report.view import BandPoint, Chart, Line, Point

COLOURS = ("a", "b", "c", "d")
TOPPED = ("f1", "fbeta", "macro_f1", "auc", "roc_auc", "pr_auc", "ndcg", "mrr", "map")


@dataclass(frozen=True, slots=True)
class Shown:
    """A line as it is drawn: its colour, and the points that fit."""

    line: Line
    colour: str
    points: list[Point]

    @property
    def dashed(self) -> bool:
        """Estimates are not measurements, and look it."""
        return bool(self.line.assumption)

    @property
    def banded(self) -> bool:
        """Intervals are drawn of the first line and of estimates: those of more lines would hide it."""
        return self.colour == COLOURS[0] or self.dashed

    @property
    def newest(self) -> Point | None:
        """The last point with a value."""
        return next((p for p in reversed(self.points) if p.value.ok), None)


def chart(asked: Chart, time: TimeScale) -> Markup:
    """The picture with its legend, and its numbers as a table."""
    shown, svg = shown_of(asked), sparkline(asked, time)
    head = tag("h3", asked.title)
    if svg is None:
        return tag("figure", tag("figcaption", head), tag("p", why_empty(asked), class_="empty"))
    values = scale_of(asked, shown)
    hatched = [_hatched(asked, time)] if asked.immature_from else []
    return tag(
        "figure",
        tag("figcaption", head, newest_of(asked, shown[0]), legend_of(asked, shown)),
        framed(time, values, asked.metric, svg, *hatched),
        details(
            "Numbers" + _thinning(asked),
            series_table(asked.metric, [(s.line.name, s.points) for s in shown]),
        ),
    )


def shown_of(asked: Chart) -> list[Shown]:
    """Its lines with their colours."""
    return [
        Shown(line, COLOURS[i % len(COLOURS)], thinned(line.points))
        for i, line in enumerate(asked.lines)
    ]


def sparkline(asked: Chart, time: TimeScale) -> Markup | None:
    """The picture alone: no axes, no words; None without a value."""
    shown = shown_of(asked)
    if not any(s.newest for s in shown):
        return None
    values = scale_of(asked, shown)
    return drawing(
        _baseline(asked.baseline, time, values),
        *(shape for s in shown if s.banded for shape in _interval(s, time, values)),
        *(shape for s in shown for shape in _strokes(s, time, values)),
        label=spoken(asked, shown),
    )


def scale_of(asked: Chart, shown: Sequence[Shown]) -> ValueScale:
    """From what was seen and the ends of its intervals, as far as they leave the lines room."""
    points = [p.value for s in shown for p in s.points if p.value.ok]
    seen = [float(v) for v in points]
    least = 0.01 if is_share(asked.metric) else 0.0
    room = max(max(seen) - min(seen), 0.15 * max(abs(x) for x in seen), least)
    low, high = min(seen) - room, max(seen) + room
    ends = [x for v in points for x in (v.lower, v.upper) if x is not None]
    ends += [x for b in asked.baseline for x in (b.lower, b.upper)]
    bounded = is_share(asked.metric) or asked.metric in TOPPED
    if bounded:
        low, high = max(low, 0.0), min(high, 1.0)
    reach = [min(max(x, low), high) for x in ends]
    return ValueScale.of(
        [*seen, *reach], zero=asked.metric.endswith("_rate"), top=1.0 if bounded else None
    )


def _middle(point: Point | BandPoint, time: TimeScale) -> float:
    return time.at(point.start + (point.end - point.start) / 2)


def runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Points without a gap between them: a window without a value, or one that is missing, is a gap."""
    steps = [(b.start - a.start).total_seconds() for a, b in pairwise(points)]
    usual = timedelta(seconds=median(steps)) if steps else timedelta(0)
    run: list[Point] = []
    for point in points:
        if run and (not point.value.ok or point.start - run[-1].start > 1.5 * usual):
            yield run
            run = []
        if point.value.ok:
            run.append(point)
    if run:
        yield run


def _strokes(s: Shown, time: TimeScale, values: ValueScale) -> Iterator[Markup]:
    style = f"line {s.colour}{' dashed' if s.dashed else ''}"
    for run in runs(s.points):
        path = [xy(_middle(p, time), values.at(float(p.value))) for p in run]
        if len(path) == 1:  # a dot: a stroke of no length with round ends keeps its shape
            path *= 2
        yield tag("polyline", points=" ".join(path), class_=style)


def _interval(s: Shown, time: TimeScale, values: ValueScale) -> Iterator[Markup]:
    for run in runs(s.points):
        known = [p for p in run if p.value.lower is not None and p.value.upper is not None]
        if len(known) < 2:
            continue
        up = [xy(_middle(p, time), values.at(p.value.upper or 0.0)) for p in known]
        down = [xy(_middle(p, time), values.at(p.value.lower or 0.0)) for p in known]
        yield tag("polygon", points=" ".join(up + down[::-1]), class_=f"interval {s.colour}")


def _baseline(band: Sequence[BandPoint], time: TimeScale, values: ValueScale) -> Markup:
    step = max(1, len(band) // MOST_POINTS)
    kept = band[::step]
    up = [xy(_middle(b, time), values.at(b.upper)) for b in kept]
    down = [xy(_middle(b, time), values.at(b.lower)) for b in kept]
    return join(
        tag("polygon", points=" ".join(up + down[::-1]), class_="baseline") if kept else None
    )


def _hatched(asked: Chart, time: TimeScale) -> Markup:
    assert asked.immature_from is not None
    left = 100 * time.at(asked.immature_from)
    return tag("i", class_="hatched", style=f"left:{left:.4g}%")


def why_empty(asked: Chart) -> str:
    """Why there is no line."""
    return asked.why_empty or "There is no value in the time shown."


def newest_of(asked: Chart, first: Shown) -> Markup:
    """The newest value of a line, with its interval and n."""
    point = first.newest
    if point is None:
        return tag("span", "no value", class_="now")
    value = point.value
    between = ""
    if value.lower is not None and value.upper is not None:
        between = f" ({figure(asked.metric, value.lower)} to {figure(asked.metric, value.upper)})"
    return tag(
        "span",
        f"{first.line.name} " if len(asked.lines) > 1 else None,
        tag("b", figure(asked.metric, float(value))),
        f"{between} n={value.n:,}, until {clock(point.end)}",
        class_="now",
    )


def legend_of(asked: Chart, shown: Sequence[Shown], *, brief: bool = False) -> Markup:
    """What each mark means; `brief` leaves out what estimates assume."""
    keys = [
        tag(
            "li",
            tag("i", class_=f"key {s.colour}{' dashed' if s.dashed else ''}"),
            s.line.name + (f" (assumes {s.line.assumption})" if s.dashed and not brief else ""),
        )
        for s in shown
    ]
    if any(p.value.lower is not None for p in shown[0].points):
        keys.append(tag("li", tag("i", class_="key box a"), "95 % interval"))
    if asked.baseline:
        keys.append(tag("li", tag("i", class_="key box base"), "where a healthy window lies"))
    if asked.immature_from:
        keys.append(tag("li", tag("i", class_="key box hatch"), "too few labels yet"))
    return tag("ul", *keys, class_="legend")


def _thinning(asked: Chart) -> str:
    longest = max(len(line.points) for line in asked.lines)
    if longest <= MOST_POINTS:
        return ""
    return f" (of every {-(-longest // MOST_POINTS)} windows the most unusual one)"


def spoken(asked: Chart, shown: Sequence[Shown]) -> str:
    """The picture in words."""
    newest = [
        f"{s.line.name} {figure(asked.metric, float(s.newest.value))}" for s in shown if s.newest
    ]
    return f"{asked.title}, newest: {', '.join(newest)}"
