"""Every strategy and assignment with a real router, real predictors, monitor and detector, under load."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from rollouts import NARROW, Field, rolling
from timonel.canary import Verdict
from timonel.errors import BadInput
from timonel_pipelines.rollout.record.state import Phase

FAST = {"hold_blocks": 1, "steps": [50], "patience": 60}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Version 1 serves behind the router."""
    with rolling(tmp_path_factory.mktemp("strategies")) as found:
        yield found


def versions(site: Field) -> set[str]:
    """Those that answered since the last look."""
    found = {version for _, version in site.load.served}
    site.load.served.clear()
    return found


def test_a_shadow_is_judged_and_changes_nothing(site: Field) -> None:
    """Copies of the requests are evidence under ids of their own; every answer is the champion's."""
    shadow = site.under("shadow", {**FAST, "strategy": "shadow", "min_requests": 600})
    site.load.answers.clear()
    versions(site)
    store = shadow.begin(2)
    ended = shadow.drive(store, print)
    assert ended.verdict is Verdict.PROMOTE, ended.reasons
    assert (ended.phase, site.champion()) == (Phase.ENDED, "1")
    assert versions(site) == {"1"}
    assert set(site.load.answers) == {200}
    assert shadow.steps(store) == ["claimed", "started", "judged", "ended"]
    blocks = [told["block"] for told in store.blocks()]
    copied, asked = (sum(b[arm]["requests"] for b in blocks) for arm in ("canary", "stable"))
    # copies are told of a little later than what they are copies of
    assert 0.6 * asked < copied < 1.3 * asked
    assert set(site.site.stand.standing.predictors) == {"1"}


def test_blue_green_changes_at_once_and_keeps_the_predecessor_warm(site: Field) -> None:
    """Judged on copies, then 0 to 100; the predecessor gets copies until the hold has passed."""
    green = site.under("green", {**FAST, "strategy": "blue_green"}, hold="3s")
    site.load.answers.clear()
    held = []

    def look(what: str, text: str) -> None:
        if store.load().phase is Phase.HOLDING:
            held.append((green.site.stand.router.in_force(), green.site.stand.alive("1")))

    store = green.begin(2)
    ended = green.drive(store, look)
    assert (ended.verdict, site.champion()) == (Verdict.PROMOTE, "2"), ended.reasons
    assert (held[-1][0].weights, held[-1][0].mirrored, held[-1][1]) == (
        {"2": 100, "1": 0},
        "1",
        True,
    )
    assert green.steps(store) == ["claimed", "started", "judged", "promoting", "holding", "ended"]
    assert set(site.load.answers) == {200}
    assert set(green.site.stand.standing.predictors) == {"2"}


def test_harm_after_the_change_gives_everything_back(site: Field) -> None:
    """What only real traffic shows: requests and alias go back to the predecessor."""
    green = site.under("green", {**FAST, "strategy": "blue_green"}, hold="60s")
    before = site.champion()
    store = green.begin(NARROW)
    known = green.site.counts.since(store.load().counted_from)
    approved = {"phase": Phase.PROMOTING, "verdict": Verdict.PROMOTE, "totals": known}
    store.save(store.load().model_copy(update=approved | {"block_end": datetime.now(UTC)}))
    ended = green.drive(store, print)
    assert ended.verdict is Verdict.ROLLBACK
    assert ended.reasons[0].startswith("rejected: the canary is worse")
    assert site.champion() == before
    assert green.site.stand.router.weights() == {before: 100}
    assert green.steps(store) == [
        "claimed",
        "restarted",
        "promoting",
        "holding",
        "returning",
        "ended",
    ]


def test_ab_ends_at_its_horizon_by_the_business_figure(site: Field) -> None:
    """A fixed split; what each version brought is read from the user's table."""
    table = site.settings.with_name("revenue.csv")
    table.write_text("time,version,revenue\n")
    margin = {"name": "revenue", "kind": "value", "margin": 0.2}
    errors = {"name": "errors", "margin": 0.2, "noise": 0.0, "base_rate": 0.01}
    section = {**FAST, "strategy": "ab", "max_blocks": 6, "metrics": [errors, margin]}
    split = site.under("ab", section, values=str(table))
    site.load.served.clear()

    def sell(what: str, text: str) -> None:
        """Of each two requests one brings 2 or, with the new version, 3."""
        sold = site.load.served.copy()
        site.load.served.clear()
        if not what.startswith("block"):
            return  # of before the first block
        with table.open("a") as stream:
            for version in {version for _, version in sold}:
                n = sum(many for (_, one), many in sold.items() if one == version)
                price = 3 if version == "4" else 2
                stream.write(
                    f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ},{version},{price}\n" * (n // 2)
                )

    store = split.begin(4)
    ended = split.drive(store, sell)
    assert (ended.verdict, ended.blocks) == (Verdict.PROMOTE, 6), ended.reasons
    assert site.champion() == "4"
    last = list(store.blocks())[-1]["decision"]["metrics"]["revenue"]
    assert last["canary"]["value"] > last["stable"]["value"] > 0
    assert last["difference"]["lower"] is not None


def test_ab_without_a_table_is_refused(site: Field) -> None:
    """Before anything is started."""
    margin = {"name": "revenue", "kind": "value", "margin": 0.2}
    split = site.under("ab_bare", {"strategy": "ab", "metrics": [margin]})
    with pytest.raises(BadInput, match="business figure revenue comes from no table"):
        split.begin(5)


def test_a_cohort_stays_with_its_version(site: Field) -> None:
    """By a header: the challenger has the cohorts below its weight, the others never see it before."""
    section = {**FAST, "assignment": "sticky", "steps": [20, 50]}
    sticky = site.under("cohorts", section, sticky={"header": "X-Cohort"})
    site.load.answers.clear()
    site.load.served.clear()
    seen: list[tuple[int, set[int]]] = []

    def look(what: str, text: str) -> None:
        if what.startswith("block"):
            new = {cohort for cohort, version in site.load.served.copy() if version == "5"}
            seen.append((store.load().weight, new))

    store = sticky.begin(5)
    ended = sticky.drive(store, look)
    assert ended.verdict is Verdict.PROMOTE, ended.reasons
    assert {weight for weight, _ in seen} == {20, 50}
    assert all(new and max(new) < weight for weight, new in seen)
    assert set(site.load.answers) == {200}


def test_a_cookie_keeps_a_client_with_its_version(site: Field) -> None:
    """Both versions serve, each client one of them."""
    sticky = site.under("cookie", {"assignment": "sticky"}, sticky={"cookie": "arm"})
    stand, champion = sticky.site.stand, sticky.site.registry.version("champion")
    stand.serve(sticky.site.registry.version("6"))
    stand.route({champion.number: 50, "6": 50})
    found = [_asked(site, 4) for _ in range(20)]
    stand.route({champion.number: 100})
    stand.stop("6")
    assert {len(of_client) for of_client in found} == {1}
    assert set.union(*found) == {champion.number, "6"}


def _asked(site: Field, times: int) -> set[str]:
    """The versions that answer one client."""
    body = {"instances": site.load.rows[:1]}
    with httpx.Client() as client:
        answers = [client.post(site.load.url, json=body) for _ in range(times)]
    return {answer.headers["x-timonel-version"] for answer in answers}


def test_sticky_says_by_what(site: Field) -> None:
    """Neither a cookie nor a header is no assignment; copies go to both versions anyway."""
    with pytest.raises(BadInput, match="by what is not said"):
        site.under("bare", {"assignment": "sticky"}).begin(6)
    both = {"assignment": "sticky", "strategy": "shadow"}
    with pytest.raises(BadInput, match="both versions get every request"):
        site.under("both", both, sticky={"cookie": "arm"}).begin(6)
