"""The report page: well or not, since when, what to do; nothing from the data runs in it."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import numpy as np
import pytest

import report_views as views
from timonel.anomalies import Severity
from timonel.anomalies.words import percent
from timonel.monitor.report import (
    Chart,
    Drift,
    DriftRow,
    Line,
    Point,
    ReportView,
    Status,
    render,
    verdict,
)
from timonel.monitor.report.chart import runs
from timonel.monitor.report.heat import level
from timonel.monitor.report.scale import TimeScale, ValueScale
from timonel.monitor.report.thin import thinned
from timonel.performance.value import Measured, State

SMALL = 1_500_000


class Page(HTMLParser):
    """What a browser would see: elements, their attributes, the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.broken: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.broken.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("view", "status", "says"),
    [
        (views.degraded(), Status.DEGRADED, "Degrading since 14 Nov 09:00: null predictions 4.1 %"),
        (views.well(), Status.WELL, "No anomaly is open"),
        (views.learning(), Status.LEARNING, "1,200 of 2,000 rows"),
        (views.silent(), Status.NO_DATA, "No prediction has been tracked yet"),
    ],
)
def test_the_page_opens_with_the_state_a_sentence_and_the_next_step(
    view: ReportView, status: Status, says: str
) -> None:
    """In one word, in one sentence with numbers, with what to do."""
    found = verdict(view)
    assert found.status is status
    assert says in found.sentence
    page = Page(render(view))
    assert not page.broken
    first = page.text[page.text.index(says) - 40 :][:600]
    assert status.value in first
    assert "Next: " in first


def test_a_ticket_asks_to_watch_and_a_remark_too() -> None:
    """Only a page degrades."""
    seen = views.degraded()
    kept = tuple(a for a in seen.anomalies if a.severity is not Severity.PAGE)
    assert verdict(replace(seen, anomalies=kept)).status is Status.WATCH


def test_the_page_needs_nothing_else() -> None:
    """No script, no style sheet, picture or font from elsewhere, no address at all."""
    page = render(views.degraded())
    names = {name for name, _ in Page(page).elements}
    assert not names & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"https?:|url\(|@import|\ssrc=|\son\w+=", page)


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '" onload="alert(1)', "'><img src=x onerror=alert(1)>", "a & b"],
)
def test_hostile_names_are_only_text(name: str) -> None:
    """A feature may have any name: no element and no attribute comes from it."""
    harmless = Page(render(views.hostile("x" * len(name))))
    page = Page(render(views.hostile(name)))
    assert not page.broken
    assert [n for n, _ in page.elements] == [n for n, _ in harmless.elements]
    assert [set(a) for _, a in page.elements] == [set(a) for _, a in harmless.elements]
    assert name in page.text


def test_every_picture_has_its_numbers_as_a_table_and_a_label() -> None:
    """For those who do not see the picture."""
    seen = views.degraded()
    page = Page(render(seen))
    pictures = [a for name, a in page.elements if name == "svg" and a.get("role") == "img"]
    assert all(a["aria-label"] for a in pictures)
    tables = sum(name == "table" for name, _ in page.elements)
    assert tables >= len(seen.performance) + len(seen.service) + len(seen.histograms) + 4
    for value in (p.value for p in seen.service[1].lines[0].points):
        assert f"{percent(float(value))} (" in page.text


def test_severity_is_told_by_word_and_shape_not_by_colour_alone() -> None:
    """Each bar has its word."""
    text = Page(render(views.degraded())).text
    assert {"page", "ticket", "ticket, cleared"} <= set(
        re.findall(r"(?:page|ticket)(?:, cleared)?", text)
    )


def test_a_line_never_crosses_a_gap() -> None:
    """A window without a value parts the line, and so does one that is missing."""
    start, hour = views.START, views.HOUR

    def point(i: int, value: Measured) -> Point:
        return Point(start + i * hour, start + (i + 1) * hour, value)

    one = Measured(1.0, n=9)
    points = [point(i, one) for i in (0, 1)] + [point(2, Measured.absent(State.TOO_FEW))]
    points += [point(i, one) for i in (3, 4, 7, 8)]
    assert [len(run) for run in runs(points)] == [2, 2, 2]
    chart = Chart("x", "x", (Line("x", tuple(points)),))
    page = render(replace(views.silent(), n=9, end=start + 9 * hour, service=(chart,)))
    assert len([1 for name, _ in Page(page).elements if name == "polyline"]) == 3


def test_an_estimate_is_dashed_and_says_what_it_assumes() -> None:
    """Never shown as if it were measured."""
    page = render(views.degraded())
    assert "assumes P(y|x) unchanged" in page
    assert 'class="line b dashed"' in page


def test_nothing_measured_says_why() -> None:
    """An empty chart names what would bring the numbers."""
    empty = Chart(
        "Recall", "recall", (Line("realised", ()),), why_empty="No label has matured yet."
    )
    page = render(replace(views.degraded(), performance=(empty,)))
    assert "No label has matured yet." in page


def test_the_size_has_a_bound() -> None:
    """A hundred features and ten thousand windows make a page that still opens."""
    rng = np.random.default_rng(0)
    count = 10_000
    step = timedelta(minutes=15)
    start = views.START
    values = rng.random(count)
    points = tuple(
        Point(start + i * step, start + (i + 1) * step, Measured(v, v, v, 10_000))
        for i, v in enumerate(values.tolist())
    )
    chart = Chart("x", "accuracy", tuple(Line(f"line {j}", points) for j in range(3)))
    rows = tuple(DriftRow(f"feature {j}", tuple(rng.random(count).tolist())) for j in range(100))
    drift = Drift(tuple(p.start for p in points), points[-1].end, rows)
    seen = views.degraded()
    page = render(
        replace(
            seen,
            end=points[-1].end,
            performance=(chart,) * 20,
            drift=drift,
            anomalies=seen.anomalies * 500,
            events=seen.events * 500,
            violations=seen.violations * 500,
            versions=seen.versions * 50,
        )
    )
    assert len(page) < SMALL


def test_thinning_keeps_what_is_unusual() -> None:
    """One bad window of ten thousand is still seen."""
    step = views.HOUR
    points = [
        Point(
            views.START + i * step,
            views.START + (i + 1) * step,
            Measured(0.9 - 0.5 * (i == 777), n=9),
        )
        for i in range(10_000)
    ]
    kept = thinned(points)
    assert len(kept) <= 240
    assert min(float(p.value) for p in kept) == pytest.approx(0.4)


def test_ticks_are_round_and_few() -> None:
    """On both axes."""
    scale = ValueScale.of([0.871, 0.934], zero=False)
    assert scale.ticks == pytest.approx((0.85, 0.875, 0.9, 0.925, 0.95))
    assert scale.low <= 0.871 < 0.934 <= scale.high
    for days in (0.1, 1, 7, 30, 400):
        ticks = TimeScale(views.START, views.START + timedelta(days=days)).ticks()
        assert 1 <= len(ticks) <= 9
        assert all(0 <= x <= 1 for x, _ in ticks)


def test_the_shade_of_a_cell_follows_the_gates() -> None:
    """Unknown is not quiet."""
    gates = (0.1, 0.2, 0.5)
    assert [level(e, gates) for e in (None, 0.0, 0.06, 0.1, 0.3, 0.9)] == [-1, 0, 1, 2, 3, 4]
