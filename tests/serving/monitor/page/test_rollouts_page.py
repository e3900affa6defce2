"""The page of a rollout in a real browser: verdict, steps in plain words, evidence over time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from monitor_pages import serving
from page_looks import ALL, COLOURS, HOSTILE, LOOKS, require_sound
from rolled_out import SETTINGS, Bench, recorded_rollout, table

VIEWS = {
    "rollout-under-way": "/models/running/rollouts/running-7",
    "rollout-rolled-back": "/models/worse/rollouts/worse-7",
    "rollout-promoted": "/models/recorded/rollouts/20251114T001000-7",
    "rollout-hostile": "/models/hostile/rollouts/hostile-7",
    "rollout-unheard": "/models/unheard/rollouts/unheard-7",
    "model-with-canary": "/models/running",
    "model-with-decisions": "/models/recorded",
}
EXAMINED: dict[str, dict[str, Any]] = {
    "light": dict.fromkeys(VIEWS, ALL),
    "dark": dict.fromkeys(("rollout-under-way", "rollout-rolled-back"), COLOURS),
    "phone": {"rollout-rolled-back": ALL},
}


def played(folder: Path, name: str, minutes: int, version: str = "7", **more: Any) -> Bench:
    """A model whose canary was judged for some minutes."""
    bench = Bench(folder / name, name=name, settings=more.pop("settings", SETTINGS))
    for _ in range(5):
        bench.now += 60
        bench.heard("pod-1", table(bench.now, 400, "6", errors=4))
    bench.watched.rollouts.open("6", version, f"{name}-7")
    bench.watched.rollouts.tell_weight(f"{name}-7", 20)
    for _ in range(minutes):
        one = bench.minute(**more)
        if one.final:
            break
        if one.decision["weight"] != one.weight:
            bench.watched.rollouts.tell_weight(one.id, one.decision["weight"])
            more |= {"stable": 250, "canary": 250}
    return bench


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A monitor with a canary of each kind."""
    folder = tmp_path_factory.mktemp("rollouts")
    strict = SETTINGS.replace("error_margin: 0.03", "error_margin: 0.02")
    models = [
        played(folder, "running", 12, settings=strict, stable=160, canary=40, bad=(2, 1)),
        played(folder, "worse", 30, stable=800, canary=200, bad=(8, 6)),
        played(folder, "hostile", 3, version=HOSTILE),
        played(folder, "unheard", 0),
        recorded_rollout(folder, "recorded", played(folder, "good", 40)),
    ]
    with serving([one.watched for one in models]) as (address, _):
        yield address


@pytest.mark.parametrize(("look", "tab"), LOOKS.items(), ids=LOOKS, indirect=["tab"])
def test_each_view_in_each_look(look: str, tab: Any) -> None:
    """No error, nothing that the policy stops, no address but ours, no sideways scrolling, accessible."""
    require_sound(tab, look, VIEWS, EXAMINED)


def test_a_verdict_is_told_with_its_reasons_and_the_next_step(tab: Any) -> None:
    """In a sentence with numbers, before anything is scrolled."""
    page = tab.open(VIEWS["rollout-rolled-back"])
    verdict = page.locator("#s-verdict")
    for said in (
        "Version 7 in place of version 6: rolled back",
        "errors: the canary is worse: 3 % of ",
        "Next: Take its traffic away",
    ):
        expect(verdict).to_contain_text(said)
    expect(page.locator("#s-standing .bad")).to_contain_text("worse")
    steps = page.locator("#s-steps li b").all_inner_texts()
    assert steps == ["Started", "Traffic changed", "Judged"]


def test_the_evidence_is_drawn_against_what_suffices(tab: Any) -> None:
    """Two pictures a metric and one of the traffic, each with its numbers in a table."""
    page = tab.open(VIEWS["rollout-rolled-back"])
    titles = [one.lower() for one in page.locator("figure.chart h3").all_inner_texts()]
    assert titles[:2] == ["errors: evidence", "errors: rates"]
    assert titles[-1] == "traffic"
    assert len(titles) == 7
    legend = page.locator("figure.chart").first.locator(".legend")
    expect(legend).to_contain_text("60 rolls back")
    expect(legend).to_contain_text("20 shows it harmless")
    page.locator("#f-course-0 summary").click()
    expect(page.locator("#f-course-0 tbody tr").first).to_contain_text(" of 60")
    page.locator("[data-chart='course-0']").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#f-course-0 .readout")).to_contain_text("harm ")


def test_a_canary_under_way_is_on_the_page_of_its_model(tab: Any) -> None:
    """With what is still missing, and the way to its own page."""
    page = tab.open("/models/running")
    card = page.locator("#s-canary")
    expect(card).to_contain_text("Version 7 in place of version 6: under way")
    expect(card.locator("table")).to_contain_text("errors")
    card.get_by_role("link").click()
    expect(page.locator("#s-verdict")).to_contain_text("under way")
    page.get_by_role("link", name="running", exact=True).click()
    expect(page.locator("#s-rollouts")).to_contain_text("Version 7 in place of version 6")


def test_the_ledgers_decisions_are_a_timeline(tab: Any) -> None:
    """In plain words, without the records that only hold the turn; each with the way to its evidence."""
    page = tab.open("/models/recorded")
    lines = page.locator("#s-decisions li")
    expect(lines.first).to_contain_text("Rollout of version 7: ended")
    assert "the rollout goes on" not in page.locator("#s-decisions").inner_text()
    expect(page.locator("#s-decisions")).to_contain_text("Training version 7")
    lines.first.get_by_role("link").click()
    expect(page.locator("#s-verdict")).to_contain_text("promoted")
    assert page.locator("#s-steps li b").all_inner_texts() == [
        "Started",
        "Traffic changed",
        "Judged",
        "Promotion begins",
        "Ended",
    ]
    assert page.locator("figure.chart").count() == 7


def test_a_name_from_outside_stays_text(tab: Any) -> None:
    """A version named as a script is shown, and nothing runs."""
    page = tab.open(VIEWS["rollout-hostile"])
    expect(page.locator("h1")).to_contain_text(HOSTILE)
    assert page.locator("body script:not([type='application/json'])").count() == 0
    assert tab.problems() == []


def test_a_rollout_that_is_not_there_is_explained(site: str) -> None:
    """404, with the same headers; each header once."""
    answer = httpx.get(f"{site}/models/running/rollouts/nothing")
    assert answer.status_code == 404
    assert "has no rollout" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
