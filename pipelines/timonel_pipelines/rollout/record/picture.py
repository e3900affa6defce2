"""The report as a page: the evidence in time against what suffices, the rates, their difference."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from timonel.canary import evidence_course
from timonel.ledger import Record
from timonel.monitor.report.chart import chart
from timonel.monitor.report.evidence import evidence_charts
from timonel.monitor.report.markup import Markup, tag
from timonel.monitor.report.scale import TimeScale
from timonel.monitor.report.style import STYLE
from timonel_pipelines.rollout.record.report import Told, heading, markdown
from timonel_pipelines.rollout.record.state import State

WRAPPED = "pre{white-space:pre-wrap;overflow-wrap:anywhere}"


def page(rollout: State, blocks: Sequence[Told], records: Iterable[Record]) -> str:
    """One self-contained page; whatever comes from outside is escaped."""
    chain = list(records)
    title = heading(rollout, chain)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("title", title),
        tag("style", Markup(STYLE + WRAPPED)),
    )
    reasons = [tag("li", reason) for reason in rollout.reasons]
    text = tag("section", tag("pre", markdown(rollout, blocks, chain)))
    body = tag("h1", title), tag("ul", *reasons), *_pictures(blocks), text
    return f"<!doctype html>{tag('html', head, tag('body', tag('main', *body)), lang='en')}"


def _pictures(blocks: Sequence[Told]) -> Iterator[Markup]:
    if not blocks:
        return
    time = TimeScale(_at(blocks[0], "start"), _at(blocks[-1], "end"))
    course = evidence_course([(_at(told, "end"), told["decision"]) for told in blocks])
    for name, charts in evidence_charts(course):
        yield tag("section", tag("h2", name), *(chart(one, time) for one in charts))


def _at(told: Told, end: str) -> datetime:
    return datetime.fromisoformat(told["block"][end])
