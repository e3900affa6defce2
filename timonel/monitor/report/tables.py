"""The numbers of every picture, as tables."""

from collections.abc import Sequence

from timonel.anomalies.words import clock, figure
from timonel.monitor.report.markup import Markup, tag
from timonel.monitor.report.view import Point
from timonel.performance.value import Measured


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """A table whose first column names the row."""
    body = [
        tag(
            "tr",
            *(tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])),
        )
        for row in rows
    ]
    columns = tag("tr", *(tag("th", name, scope="col") for name in head))
    return tag(
        "div",
        tag("table", tag("caption", caption), tag("thead", columns), tag("tbody", *body)),
        class_="scroll",
        tabindex="0",
    )


def details(summary: str, *content: Markup) -> Markup:
    """Folded away until asked for."""
    return tag("details", tag("summary", summary), *content)


def series_table(metric: str, lines: Sequence[tuple[str, Sequence[Point]]]) -> Markup:
    """A row a window, newest first; a column a line."""
    windows = sorted({(p.start, p.end) for _, points in lines for p in points}, reverse=True)
    found = [{(p.start, p.end): p.value for p in points} for _, points in lines]
    rows = [
        [f"{clock(start)} to {clock(end)}", *(measured(metric, f.get((start, end))) for f in found)]
        for start, end in windows
    ]
    return table("Newest first, UTC", ["window", *(name for name, _ in lines)], rows)


def measured(metric: str, value: Measured | None) -> str:
    """A figure with its interval and n, or why there is none."""
    if value is None:
        return "no window"
    if not value.ok:
        return f"{value.state} (n={value.n:,})"
    shown = figure(metric, float(value))
    if value.lower is None or value.upper is None:
        return f"{shown} (n={value.n:,})"
    low, high = figure(metric, value.lower), figure(metric, value.upper)
    return f"{shown} ({low} to {high}, n={value.n:,})"
