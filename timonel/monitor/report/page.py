"""The report: one HTML file that needs no other, no script and no network."""

from timonel.anomalies.words import clock, percent
from timonel.monitor.report.chart import chart
from timonel.monitor.report.heat import heat
from timonel.monitor.report.histogram import histogram
from timonel.monitor.report.icons import status_icon
from timonel.monitor.report.markup import Markup, join, shortened, tag
from timonel.monitor.report.parts import labels, quality, versions
from timonel.monitor.report.ribbon import coded, ribbon
from timonel.monitor.report.scale import TimeScale
from timonel.monitor.report.style import STYLE
from timonel.monitor.report.verdict import verdict
from timonel.monitor.report.view import Chart, ReportView

MOST_CHARTS, MOST_HISTOGRAMS = 12, 6


def render(view: ReportView, diagnosis: Markup | None = None) -> str:
    """The page of a model. Whatever comes from the data is escaped; its size has a bound.

    `diagnosis` is the card of one, which follows the verdict.
    """
    time = TimeScale(view.start, view.end)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("title", f"{shortened(view.model)}: {verdict(view).status}"),
        tag("style", Markup(STYLE)),
    )
    body = tag(
        "body",
        tag(
            "main",
            _header(view),
            _verdict(view),
            diagnosis,
            _section("What happened", ribbon(view, time)),
            _section("Performance", _charts(view.performance, time, _no_quality(view))),
            _section("Drift", _drift(view, time)),
            _section("Service", _charts(view.service, time, "No latency or status was tracked.")),
            _section(
                "Data quality",
                join(*(chart(c, time) for c in view.quality), quality(view.violations)),
            ),
            _section("Versions", versions(view.versions)),
            _section("Labels", labels(view)),
            _footer(view),
        ),
    )
    return f"<!doctype html>{tag('html', head, body, lang='en')}"


def _header(view: ReportView) -> Markup:
    return tag(
        "header",
        tag("h1", shortened(view.model, 80)),
        tag("span", f"{clock(view.start)} to {clock(view.end)} {view.end:%Y}, times in UTC"),
    )


def _verdict(view: ReportView) -> Markup:
    found = verdict(view)
    newest = "never" if view.newest is None else clock(view.newest)
    share = percent(view.n_labelled / view.n) if view.n_labelled else "none yet"
    open_ = sum(not a.cleared for a in view.anomalies)
    facts = (
        ("Predictions", f"{view.n:,}"),
        ("Newest", newest),
        ("With label", share),
        ("Open anomalies", f"{open_:,}"),
        ("Baseline", view.reference or ("learning" if view.learning else "learnt from this log")),
    )
    return tag(
        "section",
        status_icon(found.status),
        tag(
            "div",
            tag("div", found.status.value, class_="word"),
            tag("div", found.sentence, class_="said"),
        ),
        tag("p", tag("b", "Next: "), coded(found.next_step), class_="next"),
        tag(
            "dl",
            *(
                tag("div", tag("dt", name), tag("dd", shortened(value, 60)))
                for name, value in facts
            ),
            class_="facts",
        ),
        class_=f"card verdict {found.status.value.replace(' ', '-')}",
    )


def _section(title: str, content: Markup) -> Markup:
    return tag("section", tag("h2", title), content, class_="card")


def _charts(charts: tuple[Chart, ...], time: TimeScale, empty: str) -> Markup:
    if not charts:
        return tag("p", coded(empty), class_="empty")
    first, *others = (chart(c, time) for c in charts[:MOST_CHARTS])
    return join(first, tag("div", *others, class_="two") if others else None)


def _no_quality(view: ReportView) -> str:
    if view.n_labelled:
        return "Too few labels have matured in the time shown; choose a longer window."
    return "No label has arrived yet: call `track_label`, or give `actual` with the predictions."


def _drift(view: ReportView, time: TimeScale) -> Markup:
    if view.drift is None or not view.drift.rows:
        why = (
            "No feature was tracked."
            if not view.learning
            else "Drift is told once learning is over."
        )
        return tag("p", why, class_="empty")
    shown = [histogram(h) for h in view.histograms[:MOST_HISTOGRAMS]]
    beside = tag(
        "p",
        "Filled bars: now. Outline: the reference.",
        class_="note",
    )
    return join(
        heat(view.drift, time),
        beside if shown else None,
        tag("div", *shown, class_="histograms") if shown else None,
    )


def _footer(view: ReportView) -> Markup:
    notes = [tag("li", note) for note in view.notes]
    return tag(
        "footer",
        tag("ul", *notes) if notes else None,
        tag(
            "p",
            "A band around a line is its 95 % interval. A gap in a line is a window without a value.",
        ),
    )
