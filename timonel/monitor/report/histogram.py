"""Reference beside current: a feature's values, bar by bar."""

from timonel.anomalies.words import clock, percent
from timonel.monitor.report.markup import Markup, shortened, tag
from timonel.monitor.report.plot import HEIGHT, WIDTH, drawing, xy
from timonel.monitor.report.tables import details, table
from timonel.monitor.report.view import Histogram

ROOM, LONGEST = 42, 14
"""Letters that fit below a picture, and of one label."""


def histogram(shown: Histogram) -> Markup:
    """Filled bars are now, the outline is the reference."""
    top = max(*shown.reference, *shown.current, 1e-9)
    width = WIDTH / max(len(shown.labels), 1)
    bars = [
        tag(
            "rect",
            tag("title", f"{label}: {percent(now)} now, {percent(before)} in the reference"),
            x=i * width + width * 0.08,
            y=(1 - now / top) * HEIGHT,
            width=width * 0.84,
            height=now / top * HEIGHT,
            class_="bar",
        )
        for i, (label, now, before) in enumerate(
            zip(shown.labels, shown.current, shown.reference, strict=True)
        )
    ]
    svg = drawing(*bars, _outline(shown, top), label=_spoken(shown))
    return tag(
        "figure",
        tag("figcaption", tag("h3", shortened(shown.feature), title=shown.feature), _words(shown)),
        tag("div", svg, class_="bars"),
        _labels(shown),
        details("Numbers", _numbers(shown)),
    )


def _outline(shown: Histogram, top: float) -> Markup:
    n = max(len(shown.reference), 1)
    corners = [
        xy(x / n, height / top) for i, height in enumerate(shown.reference) for x in (i, i + 1)
    ]
    return tag("polyline", points=" ".join(corners), class_="line outline")


def _words(shown: Histogram) -> Markup:
    effect = "effect unknown" if shown.effect is None else f"{shown.effect:.2f} {shown.unit}"
    since = f", since {clock(shown.since)}" if shown.since else ""
    counts = f"n={shown.n_current:,} now, {shown.n_reference:,} in the reference"
    return tag("span", tag("b", effect), f"{since}; {counts}", class_="now")


def _labels(shown: Histogram) -> Markup:
    n = len(shown.labels)
    longest = max((len(shortened(label, LONGEST)) for label in shown.labels), default=1)
    step = max(1, -(-n // max(2, ROOM // (longest + 2))))
    marks = [
        tag(
            "span",
            shortened(shown.labels[i], LONGEST),
            title=shown.labels[i],
            style=f"left:{100 * (i + 0.5) / n:.4g}%",
        )
        for i in range((step - 1) // 2, n, step)
    ]
    return tag("div", *marks, class_="x centred", aria_hidden="true")


def _numbers(shown: Histogram) -> Markup:
    rows = [
        [label, percent(now), percent(before)]
        for label, now, before in zip(shown.labels, shown.current, shown.reference, strict=True)
    ]
    return table(f"Values of {shown.feature}", ["value", "now", "reference"], rows)


def _spoken(shown: Histogram) -> str:
    return f"values of {shown.feature} now beside the reference"
