"""The frame of every picture in time: labels beside it are text, so that they stay readable at any width."""

from timonel.anomalies.words import figure, is_share
from timonel.monitor.report.markup import Markup, join, tag
from timonel.monitor.report.scale import TimeScale, ValueScale

WIDTH, HEIGHT = 1000.0, 100.0
"""Of the drawing, stretched to the width and height that there is; lines keep their thickness."""


def drawing(*shapes: str, label: str) -> Markup:
    """An SVG that is stretched; `label` says what it shows."""
    return tag(
        "svg",
        *shapes,
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )


def framed(
    time: TimeScale, values: ValueScale, metric: str, svg: Markup, *over: Markup, axis: bool = True
) -> Markup:
    """The drawing with its two axes, and `over` on top of it."""
    grid = [
        tag("i", class_="grid", style=f"bottom:{100 * values.at(t):.4g}%") for t in values.ticks
    ]
    beside = [
        tag("span", tick_text(metric, t), style=f"bottom:{100 * values.at(t):.4g}%")
        for t in values.ticks
    ]
    plot = tag(
        "div",
        tag("div", *beside, class_="y", aria_hidden="true"),
        tag("div", *grid, svg, *over, class_="area"),
        class_="plot",
    )
    return join(plot, time_axis(time) if axis else None)


def time_axis(time: TimeScale) -> Markup:
    """Times below a picture, UTC."""
    labels = [
        tag("span", text, style=f"left:{100 * x:.4g}%") for x, text in time.ticks() if x <= 0.94
    ]
    return tag("div", *labels, class_="x", aria_hidden="true")


def xy(x: float, y: float) -> str:
    """A point of the drawing from shares of its width and height."""
    return f"{x * WIDTH:.4g},{(1 - y) * HEIGHT:.4g}"


def tick_text(metric: str, at: float) -> str:
    """A round number needs few digits."""
    at = 0.0 if abs(at) < 1e-12 else at
    return f"{100 * at:.4g} %" if is_share(metric) else figure(metric, at)
