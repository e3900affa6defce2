"""The report as a page: the evidence in time against what suffices, the rates with their intervals."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from timonel.ledger import Record
from timonel.monitor.report import Chart, Line, Point
from timonel.monitor.report.chart import chart
from timonel.monitor.report.markup import Markup, tag
from timonel.monitor.report.scale import TimeScale
from timonel.monitor.report.style import STYLE
from timonel.performance.value import Measured, State
from timonel_pipelines.rollout.record import state
from timonel_pipelines.rollout.record.report import Told, heading, markdown


def page(rollout: state.State, blocks: Sequence[Told], records: Iterable[Record]) -> str:
    """One self-contained page; whatever comes from outside is escaped."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("title", heading(rollout)),
        tag("style", Markup(STYLE)),
    )
    reasons = [tag("li", reason) for reason in rollout.reasons]
    text = tag("section", tag("pre", markdown(rollout, blocks, records)))
    body = tag("h1", heading(rollout)), tag("ul", *reasons), *_pictures(blocks), text
    return f"<!doctype html>{tag('html', head, tag('body', tag('main', *body)), lang='en')}"


def _pictures(blocks: Sequence[Told]) -> Iterator[Markup]:
    if not blocks:
        return
    time = TimeScale(_at(blocks[0], "start"), _at(blocks[-1], "end"))
    for name in blocks[-1]["decision"]["metrics"]:
        yield tag("section", tag("h2", name), chart(_rates(name, blocks), time))
        yield tag("section", chart(_evidence(name, blocks), time))


def _rates(name: str, blocks: Sequence[Told]) -> Chart:
    arms = (("challenger", "canary"), ("champion", "stable"))
    lines = tuple(
        Line(said, tuple(_point(b, _read(b["decision"]["metrics"][name][arm])) for b in blocks))
        for said, arm in arms
    )
    return Chart("Share of bad requests so far", f"{name}_rate", lines)


def _evidence(name: str, blocks: Sequence[Told]) -> Chart:
    kinds = (("of harm", "e_harm", "harm_bar"), ("of safety", "e_safe", "safe_bar"))
    lines = tuple(
        Line(said, tuple(_point(b, _share(b["decision"]["metrics"][name], e, bar)) for b in blocks))
        for said, e, bar in kinds
    )
    return Chart(
        "Evidence: logarithm of e over that of what suffices; 1 decides", "evidence", lines
    )


def _share(found: Mapping[str, Any], e: str, bar: str) -> Measured:
    if found[e] is None or found[bar] is None or found[e] <= 0:
        return Measured.absent(State.NO_DATA)
    return Measured(max(-1.0, math.log(found[e]) / math.log(found[bar])))


def _read(found: Mapping[str, Any]) -> Measured:
    return Measured(**dict(found) | {"state": State(found["state"])})


def _point(told: Told, value: Measured) -> Point:
    return Point(_at(told, "start"), _at(told, "end"), value)


def _at(told: Told, end: str) -> datetime:
    return datetime.fromisoformat(told["block"][end])
