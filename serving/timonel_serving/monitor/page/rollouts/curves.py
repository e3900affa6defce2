"""The course of the evidence as figures of the page: numbers in columns, with their words and their table."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any

from timonel.anomalies.words import clock, percent
from timonel.monitor.report.markup import Markup, join, tag
from timonel.monitor.report.scale import ValueScale
from timonel.monitor.report.tables import table
from timonel_serving.monitor.page.rollouts.axes import Number, log10, log_axis, time_axis
from timonel_serving.monitor.page.rollouts.words import against, amount
from timonel_serving.monitor.page.series import Figure

Column = Sequence[Number]
HARM, SAFETY, CHAMPION, CANARY = "b", "a", "c", "a"
"""Colours: harm in the contrast, safety and the canary in the accent, the champion in ink."""


def figures(course: Mapping[str, Any]) -> list[Figure]:
    """For each metric its evidence and its rates, then the traffic; empty without a point."""
    at = [datetime.fromisoformat(t) for t in course["at"]]
    if not at:
        return []
    found: list[Figure] = []
    for name, metric in course["metrics"].items():
        found.append(_evidence(len(found), name, at, metric))
        found.append(_rates(len(found), name, at, metric))
    found.append(_traffic(len(found), at, course["weight"]))
    return found


def data(course: Mapping[str, Any], found: Sequence[Figure]) -> dict[str, Any]:
    """What the script draws."""
    at = [datetime.fromisoformat(t) for t in course["at"]]
    charts = {f"course-{one.place}": one.data for one in found if one.data}
    return {"axis": time_axis(at), "charts": charts}


def _evidence(place: int, name: str, at: list[datetime], metric: Mapping[str, Any]) -> Figure:
    kinds = [
        (said, colour, metric[e], metric[bar])
        for said, colour, e, bar in (
            ("harm", HARM, "e_harm", "bar_harm"),
            ("safety", SAFETY, "e_safe", "bar_safe"),
        )
        if any(v is not None for v in metric[e])
    ]
    axis = log_axis(
        (v for _, _, values, _ in kinds for v in values), (bar for *_, bar in kinds if bar)
    )
    lines = []
    for _, colour, values, bar in kinds:
        lines.append(_line(colour, [None if v is None else log10(v) for v in values], axis))
        if bar is not None:
            lines.append(_line(colour, list(repeat(log10(bar), len(at))), axis, dashed=True))
    keys = [key for said, colour, _, bar in kinds for key in _evidence_keys(said, colour, bar)]
    newest = [(against(values[-1], bar), said) for said, _, values, bar in kinds]
    columns = [(said, [against(v, bar) for v in values]) for said, _, values, bar in kinds]
    return _figure(place, f"{name}: evidence", newest, keys, at, columns, lines, axis)


def _evidence_keys(said: str, colour: str, bar: Number) -> Iterator[Markup]:
    yield _key(colour, f"evidence of {said}")
    if bar is not None:
        does = "rolls back" if said == "harm" else "shows it harmless"
        yield _key(colour, f"{amount(bar)} {does}", dashed=True)


def _rates(place: int, name: str, at: list[datetime], metric: Mapping[str, Any]) -> Figure:
    """Both rates, and where the canary's lies: the champion's with the interval of the difference."""
    stable, canary = metric["stable"], metric["canary"]
    ends = [
        [
            None if s is None or d is None else s + d
            for s, d in zip(stable, metric[end], strict=True)
        ]
        for end in ("lower", "upper")
    ]
    if all(v is None for v in (*stable, *canary)):
        return _differences(place, name, at, metric)
    axis = _rate_axis([v for v in (*stable, *canary) if v is not None], ends)
    lines = [
        _line(CHAMPION, stable, axis),
        _line(CANARY, canary, axis, band=(ends[0], ends[1])),
    ]
    text = percent if all(0 <= v <= 1 for v in (*stable, *canary) if v is not None) else _plain
    axis["ticks"] = [[t, text(t)] for t in axis["ticks"]]
    columns = [
        ("champion", [_shown(v, text) for v in stable]),
        ("canary", [_shown(v, text) for v in canary]),
        ("where the canary's lies", [_between(a, b, text) for a, b in zip(*ends, strict=True)]),
    ]
    keys = [
        _key(CHAMPION, "champion"),
        _key(CANARY, "canary"),
        tag("li", tag("i", class_="key box a"), "where the canary's lies: 95 %, at all looks"),
    ]
    newest = [(columns[1][1][-1], "canary"), (columns[0][1][-1], "champion")]
    return _figure(place, f"{name}: rates", newest, keys, at, columns, lines, axis)


def _differences(place: int, name: str, at: list[datetime], metric: Mapping[str, Any]) -> Figure:
    """Of what has no rate of its own, such as a loss: the difference and its interval."""
    low, high = metric["lower"], metric["upper"]
    values = metric.get("difference") or [None] * len(at)
    known = [v for v in (*low, *high, *values, 0.0) if v is not None]
    scale = ValueScale.of(known, zero=True)
    axis = {"scale": [scale.low, scale.high], "ticks": [[t, _plain(t)] for t in scale.ticks]}
    columns = [
        ("difference", [_shown(v, _plain) for v in values]),
        ("interval", [_between(a, b, _plain) for a, b in zip(low, high, strict=True)]),
    ]
    keys = [
        _key(CANARY, "canary less champion"),
        tag("li", tag("i", class_="key box a"), "95 %, at all looks"),
    ]
    lines = [_line(CANARY, values, axis, band=(low, high))]
    newest = [(columns[0][1][-1], "canary less champion")]
    return _figure(place, f"{name}: difference", newest, keys, at, columns, lines, axis)


def _traffic(place: int, at: list[datetime], weight: Column) -> Figure:
    axis = {"scale": [0, 100], "ticks": [[t, f"{t} %"] for t in (0, 25, 50, 75, 100)]}
    columns = [("canary", [_shown(v, lambda w: f"{w:g} %") for v in weight])]
    keys = [_key(CANARY, "share of the requests for the canary")]
    lines = [_line(CANARY, weight, axis) | {"stepped": True}]
    return _figure(
        place, "traffic", [(columns[0][1][-1], "canary")], keys, at, columns, lines, axis
    )


def _rate_axis(values: list[float], ends: list[list[Number]]) -> dict[str, Any]:
    """Room for the rates and for the newest interval, not for those of the first blocks."""
    newest = [end[-1] for end in ends if end[-1] is not None]
    scale = ValueScale.of([max(v, 0.0) for v in (*values, *newest) if v is not None], zero=True)
    return {"scale": [scale.low, scale.high], "ticks": list(scale.ticks)}


def _line(
    colour: str,
    values: Column,
    axis: Mapping[str, Any],
    *,
    dashed: bool = False,
    band: tuple[Column, Column] | None = None,
) -> dict[str, Any]:
    low, high = axis["scale"]

    def inside(column: Column) -> list[Number]:
        return [None if v is None else min(max(v, low), high) for v in column]

    none: list[Number] = [None] * len(values)
    lower, upper = (none, none) if band is None else (inside(band[0]), inside(band[1]))
    return {
        "colour": colour,
        "dashed": dashed,
        "banded": band is not None,
        "value": inside(values),
        "lower": lower,
        "upper": upper,
    }


def _figure(
    place: int,
    title: str,
    newest: Sequence[tuple[str, str]],
    keys: Sequence[Markup],
    at: Sequence[datetime],
    columns: Sequence[tuple[str, Sequence[str]]],
    lines: Sequence[Mapping[str, Any]],
    axis: Mapping[str, Any],
) -> Figure:
    rows = [[clock(t), *cells] for t, *cells in zip(at, *(c for _, c in columns), strict=True)]
    none: list[Number] = [None] * len(at)
    return Figure(
        place=place,
        title=title,
        newest=join(*(tag("span", tag("b", v), said, class_="now") for v, said in newest)),
        legend=tag("ul", *keys, class_="legend"),
        table=table("Newest first, UTC", ["until", *(n for n, _ in columns)], rows[::-1]),
        label=f"{title}, newest: {', '.join(f'{said} {v}' for v, said in newest)}",
        assumption="",
        empty="",
        data={
            "x": [t.timestamp() for t in at],
            "lines": list(lines),
            "low": none,
            "high": none,
            "immature": None,
            **axis,
        },
    )


def _key(colour: str, text: str, *, dashed: bool = False) -> Markup:
    return tag("li", tag("i", class_=f"key {colour}{' dashed' if dashed else ''}"), text)


def _plain(value: float) -> str:
    return f"{value:.3g}"


def _shown(value: Number, text: Any) -> str:
    return "unknown" if value is None else str(text(value))


def _between(low: Number, high: Number, text: Any) -> str:
    return "unknown" if low is None or high is None else f"{text(low)} to {text(high)}"
