"""The page's smaller parts: data quality, versions, labels."""

from timonel.anomalies.words import clock, name_of, percent
from timonel.monitor.report.markup import Markup, join, shortened, tag
from timonel.monitor.report.plot import drawing, xy
from timonel.monitor.report.tables import details, measured, table
from timonel.monitor.report.view import Arrival, ReportView, Version, Violation

MOST_ROWS = 40


def quality(violations: tuple[Violation, ...]) -> Markup:
    """What was wrong with the columns, what exceeds the reference most first."""
    if not violations:
        return tag("p", "No column had a missing or odd value in the time shown.", class_="empty")
    ordered = sorted(violations, key=lambda v: ((v.usual or 0) - v.rows / max(v.of, 1), v.column))
    rows = [
        [
            v.column,
            v.what,
            f"{v.rows:,} of {v.of:,}",
            percent(v.rows / max(v.of, 1)),
            "unknown" if v.usual is None else percent(v.usual),
            "unknown" if v.last is None else clock(v.last),
        ]
        for v in ordered[:MOST_ROWS]
    ]
    hidden = len(ordered) - MOST_ROWS
    more = (
        tag("p", f"{hidden:,} more are nearer to the reference.", class_="note")
        if hidden > 0
        else None
    )
    head = ["column", "what is wrong", "rows", "share", "in the reference", "last seen"]
    return join(table("Values that a column should not have", head, rows), more)


def versions(found: tuple[Version, ...]) -> Markup:
    """A column a version, a row a metric."""
    if not found:
        return tag("p", "No version was given with the predictions.", class_="empty")
    shown = sorted(found, key=lambda v: -v.n)[:6]
    names = list(dict.fromkeys(name for v in shown for name, _ in v.metrics))[:MOST_ROWS]
    rows = [["traffic", *(f"{percent(v.share)} (n={v.n:,})" for v in shown)]]
    rows += [
        [name_of(name), *(measured(name, dict(v.metrics).get(name)) for v in shown)]
        for name in names
    ]
    heads = [f"version {shortened(v.name, 24)}" if v.name else "no version" for v in shown]
    return table("Versions, the busiest first", ["metric", *heads], rows)


def labels(view: ReportView) -> Markup:
    """How many have come, and how long they take."""
    share = percent(view.n_labelled / view.n) if view.n else "0 %"
    head = tag(
        "p",
        tag("b", share),
        f" of the {view.n:,} predictions shown have their label ({view.n_labelled:,}).",
    )
    if view.arrival is None:
        why = "The arrival curve needs labels with the time when they came."
        return join(head, tag("p", why, class_="empty"))
    return join(head, _curve(view.arrival))


def _curve(arrival: Arrival) -> Markup:
    oldest = max(arrival.hours, default=1.0) or 1.0
    points = [xy(0, 0)]
    for age, share in zip(arrival.hours, arrival.share, strict=True):
        points.append(xy(age / oldest, share))
    mature = arrival.maturity_hours
    marks = []
    if mature is not None and mature <= oldest:
        x = mature / oldest * 1000
        marks = [tag("line", x1=x, x2=x, y1=0, y2=100, class_="line outline dashed")]
    said = (
        "maturity age not known yet"
        if mature is None
        else f"labels count as mature after {age_text(mature)}"
    )
    svg = drawing(
        tag("polyline", points=" ".join(points), class_="line a"),
        *marks,
        label=f"share of labels that have arrived by age; {said}",
    )
    ages = [0.25, 0.5, 0.75]
    axis = [tag("span", age_text(a * oldest), style=f"left:{100 * a:g}%") for a in ages]
    caption = (
        f"Share of labels that have arrived, by age of the prediction: {said} (n={arrival.n:,})."
    )
    step = max(1, len(arrival.hours) // 24)
    rows = [
        [age_text(h), percent(s)]
        for h, s in list(zip(arrival.hours, arrival.share, strict=True))[::step]
    ]
    return tag(
        "figure",
        tag("figcaption", tag("span", caption, class_="note")),
        tag(
            "div",
            tag(
                "div",
                *(tag("span", f"{t} %", style=f"bottom:{t}%") for t in (0, 50, 100)),
                class_="y",
                aria_hidden="true",
            ),
            tag(
                "div",
                *(tag("i", class_="grid", style=f"bottom:{t}%") for t in (0, 50, 100)),
                svg,
                class_="area",
            ),
            class_="plot",
        ),
        tag("div", *axis, class_="x centred", aria_hidden="true"),
        details("Numbers", table("Arrival of labels", ["age", "arrived"], rows)),
    )


def age_text(hours: float) -> str:
    """An age in the unit that fits."""
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.3g} h" if hours < 48 else f"{hours / 24:.2g} days"
