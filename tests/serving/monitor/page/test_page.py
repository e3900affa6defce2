"""The monitor's page in a real browser: what it says, that it is safe, and that all can use it."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, expect

import watched_models as models
from monitor_pages import served
from page_looks import ALL, COLOURS, HOSTILE, LOOKS, require_sound

VIEWS = {
    "overview": "/",
    "degraded": "/models/fraud",
    "well": "/models/credit",
    "learning": "/models/young",
    "no-data": "/models/silent",
    "hostile": "/models/hostile",
    "error": "/models/fraud?range=3y",
}
EXAMINED: dict[str, dict[str, Any]] = {
    "light": dict.fromkeys(("overview", "degraded", "learning", "no-data", "error"), ALL),
    "dark": dict.fromkeys(("overview", "degraded", "no-data"), COLOURS),
    "phone": {"overview": ALL},
}
"""Which views axe-core examines by which rules; the others are made of the same parts."""


@pytest.mark.parametrize(("look", "tab"), LOOKS.items(), ids=LOOKS, indirect=["tab"])
def test_each_view_in_each_look(look: str, tab: Any) -> None:
    """No error, nothing that the policy stops, no address but ours, no sideways scrolling, accessible."""
    require_sound(tab, look, VIEWS, EXAMINED)


def test_the_first_screen_says_how_the_model_is_since_when_and_what_to_do(tab: Any) -> None:
    """State in a word, a sentence with numbers, the time, the next step; before anything is scrolled."""
    page = tab.open("/models/fraud")
    verdict = page.locator("#s-verdict")
    for said in ("degraded", "Degrading since 22 Jan 06:00: accuracy", "Since", "Next: "):
        expect(verdict).to_contain_text(said)
    box = page.locator("#s-happened .heat-row, #s-happened .lane").first.bounding_box()
    assert box is not None
    assert box["y"] < 900
    for theme in ("Performance", "Service", "Data and drift"):
        expect(page.locator("#s-happened")).to_contain_text(theme)
    expect(page.locator("#s-happened .marks")).to_contain_text("deployed version 2")


def test_the_overview_has_the_worst_first(tab: Any) -> None:
    """Degraded before no data before learning before well, each with its sentence and its link."""
    page = tab.open("/")
    words = page.locator(".model .state .word").all_inner_texts()
    order = ["degraded", "no data", "watch", "learning", "well"]
    places = [order.index(word.lower()) for word in words]
    assert places == sorted(places)
    assert {"degraded", "no data", "learning", "well"} <= {word.lower() for word in words}
    page.get_by_role("link", name="fraud").click()
    expect(page.locator("#s-verdict")).to_contain_text("degraded")


def test_text_from_the_data_stays_text(tab: Any) -> None:
    """A feature, a version and a class named as a script are shown, and nothing runs."""
    page = tab.open(VIEWS["hostile"])
    expect(page.locator("#s-drift .name", has_text=HOSTILE).first).to_be_visible()
    expect(page.locator("select[name=version]")).to_contain_text(HOSTILE)
    expect(page.locator("#s-versions")).to_contain_text(HOSTILE[:16])
    page.locator("#s-drift .name a", has_text=HOSTILE).first.click()
    expect(page.locator("#compared")).to_contain_text(HOSTILE)
    page.reload()
    expect(page.locator("#compared")).to_contain_text(HOSTILE)
    assert page.locator("body script:not([type='application/json'])").count() == 0
    assert tab.problems() == []
    for query in ("version", "feature", "range", "start"):
        tab.open(f"/models/fraud?{query}={quote(HOSTILE)}")
    assert tab.problems() == []


def test_the_address_holds_the_state(tab: Any) -> None:
    """Range, version and feature survive a reload, and going back."""
    page = tab.open("/models/fraud")
    page.get_by_role("link", name="7d", exact=True).click()
    expect(page.get_by_role("link", name="7d", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    page.locator("select[name=version]").select_option("2")
    expect(page.locator("#h-performance")).to_contain_text("of version 2")
    page.locator("#s-drift .name a", has_text="f3").click()
    expect(page.locator("#compared h3")).to_have_text("f3")
    assert re.search(r"range=7d.*version=2.*feature=f3", page.url)
    page.reload()
    expect(page.get_by_role("link", name="7d", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    expect(page.locator("#h-performance")).to_contain_text("of version 2")
    expect(page.locator("#compared h3")).to_have_text("f3")
    page.go_back()
    expect(page.locator(".heat-row.chosen")).to_have_count(0)
    assert tab.problems() == []


def test_a_cell_of_the_drift_strip_opens_its_values(tab: Any) -> None:
    """Reference beside the values of the window that was clicked, with n and effect."""
    page = tab.open("/models/fraud")
    strip = page.locator(".strip[data-feature=amount]")
    strip.click(position={"x": strip.bounding_box()["width"] * 0.95, "y": 8})
    expect(page.locator("#compared .note")).to_contain_text("25 Jan 06:00 to 25 Jan 12:00")
    expect(page.locator("#compared")).to_contain_text("in the reference")
    assert "feature=amount&at=2026-01-25T" in page.url


def test_dragging_looks_closer_and_an_event_shows_its_time(tab: Any) -> None:
    """A stretch that was marked becomes the time shown; so does that around what happened."""
    page = tab.open("/models/fraud")
    page.locator("#f-performance-0").scroll_into_view_if_needed()
    box = page.locator("[data-chart='performance-0'] .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60, steps=5)
    page.mouse.up()
    expect(page.locator(".controls")).to_contain_text("19 Jan 00:00 to 22 Jan 12:00")
    assert "start=2026-01-19T00" in page.url
    page.get_by_role("link", name="14d", exact=True).click()
    page.locator("#s-happened").get_by_role("link", name="Service").click()
    expect(page).to_have_url(re.compile("start=2026-01-2[34]"))


def test_one_cursor_for_all_pictures(tab: Any) -> None:
    """The window under the pointer is told by every chart, with its numbers, and marked on every strip."""
    page = tab.open("/models/fraud")
    page.locator("#f-performance-0").scroll_into_view_if_needed()
    box = page.locator("[data-chart='performance-0'] .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 50)
    told = page.locator(".readout")
    expect(told.first).to_contain_text("16 Jan 00:00 to 16 Jan 06:00 UTC: realised ")
    texts = [text for text in told.all_inner_texts() if text]
    assert len(texts) == page.locator("[data-chart]").count()
    assert all(text.startswith("16 Jan 00:00") for text in texts)
    assert page.locator(".hair:visible").count() == page.locator(".strip.timed").count()


def test_it_is_used_by_keyboard_alone(tab: Any) -> None:
    """Tab reaches the ranges, a chart and the drift; arrows walk the windows; Enter chooses."""
    page = tab.open("/models/fraud")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.get_by_role("link", name="24h", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("range=24h"))
    expect(page.locator(".controls")).to_contain_text("24 Jan 23:45 to 26 Jan 00:00")
    page.locator("[data-chart='service-1']").focus()
    page.keyboard.press("ArrowLeft")
    readout = page.locator("#f-service-1 .readout")
    expect(readout).to_contain_text("25 Jan 23:45 to 26 Jan 00:00")
    page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text("25 Jan 23:30 to 25 Jan 23:45")
    page.locator("#s-drift .name a").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".heat-row.chosen")).to_have_count(1)


def test_every_picture_has_its_numbers(tab: Any) -> None:
    """A table under each chart, newest first, with interval and n; gaps say why there is no value."""
    page = tab.open("/models/fraud")
    figures = page.locator("figure.chart")
    assert figures.count() == page.locator("figure.chart table").count() >= 9
    page.locator("#f-performance-0 summary").click()
    first = page.locator("#f-performance-0 tbody tr").first
    expect(first).to_contain_text("immature")
    expect(first).to_contain_text("n=")


def test_refreshing_keeps_what_was_open(tab: Any) -> None:
    """What is asked for again is put in place: scroll, open tables and the theme stay."""
    page = tab.open("/models/fraud")
    page.locator("#f-performance-1 summary").click()
    page.evaluate("scrollTo(0, 700)")
    with page.expect_response(re.compile("/models/fraud")):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#asof")).to_contain_text("As of")
    assert page.evaluate("scrollY") == 700
    assert page.locator("#f-performance-1 details").get_attribute("open") is not None
    assert tab.problems() == []


def test_the_theme_can_be_chosen(tab: Any) -> None:
    """The switch holds over a reload."""
    page = tab.open("/models/fraud")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    expect(page.get_by_role("button", name="Light")).to_be_visible()


def test_times_have_the_viewers_zone_on_hover(tab: Any) -> None:
    """UTC is shown, as in alerts and logs; the title has the other."""
    page = tab.open("/models/fraud")
    expect(page.locator("#s-verdict time")).to_have_text("22 Jan 06:00 UTC")
    expect(page.locator("#s-verdict time")).to_have_attribute("title", re.compile("in your zone"))


def test_a_monitor_that_does_not_answer_makes_the_page_stale(
    browser: Browser, tmp_path: Path, shots: Path
) -> None:
    """It says since when, keeps what it showed, and is fresh again once the monitor answers."""
    with browser.new_context() as context:
        page = context.new_page()
        with served({"credit": models.played(name="credit")}, tmp_path) as (site, stop):
            page.goto(f"{site}/models/credit")
            page.get_by_role("heading", name="Performance").wait_for()
            stop()
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            expect(page.get_by_role("alert")).to_contain_text(
                re.compile(r"Stale since \d\d:\d\d:\d\d")
            )
            expect(page.locator("#s-verdict")).to_contain_text("well")
            page.screenshot(path=shots / "stale-light.png")
        page.route(f"{site}/**", lambda route: route.fulfill(body="<main id=main></main>"))
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator("#stale")).to_be_hidden()


def test_the_time_shown_may_hold_nothing(tab: Any) -> None:
    """It says so, and offers the way back."""
    page = tab.open("/models/fraud?start=2025-01-01T00:00&end=2025-01-02T00:00")
    expect(page.locator("#s-nothing")).to_contain_text("No prediction lies in the time shown")
    tab.shoot("nothing-light")
    page.get_by_role("link", name="Show the last 14 days").click()
    expect(page.locator("[data-chart] canvas").first).to_be_visible()
    assert tab.problems() == []


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/models/nobody", 404, "there is no model"),
        ("/models/fraud?range=3y", 400, "expected one of 24h, 7d, 14d, 90d"),
        ("/models/fraud?start=yesterday", 400, "expected a time"),
        ("/models/fraud?start=2026-01-20&end=2026-01-10", 400, "expected later than its start"),
        ("/models/fraud?feature=nothing", 400, "is not watched"),
        ("/static/..%2froutes.py", 404, "not found"),
    ],
)
def test_a_bad_address_is_explained(site: str, path: str, status: int, says: str) -> None:
    """With the status that it deserves, and the same headers."""
    answer = httpx.get(site + path)
    assert answer.status_code == status
    if "static" not in path:
        assert says in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_headers(site: str) -> None:
    """Nothing inline, nothing from elsewhere, in no frame; own files are kept, pages are not."""
    answer = httpx.get(f"{site}/models/fraud")
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<[^>]* (style|on\w+)=", answer.text)
    data = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', answer.text, re.S)
    assert data is not None
    assert set(json.loads(data[1])) == {"axis", "charts"}
    for address in re.findall(r'(?:src|href)="(\.\./static/[^"]+)"', answer.text):
        own = httpx.get(f"{site}/models/{address}")
        assert own.status_code == 200
        assert "immutable" in own.headers["cache-control"]
