"""A rollout with a real router, real predictors, monitor and detector, and a steady load."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from projects import command, timonel_here
from rollouts import NARROW, Field, rolling
from timonel.canary import Verdict
from timonel.errors import BadInput, Busy
from timonel.files import write_text
from timonel_components.register import DIGEST_TAG
from timonel_pipelines.rollout.promotion.aliases import LAST_KNOWN_GOOD
from timonel_pipelines.rollout.record.state import Phase
from watching import wait

KILLED_BEFORE_THE_ALIAS = """
import os, signal, sys
from pathlib import Path
from timonel_pipelines.rollout.promotion.aliases import Aliases
from timonel_pipelines.rollout.opening import Site

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

Aliases.move = die
site = Site(Path(sys.argv[1]), *sys.argv[2:4])
site.driver(site.rollouts.store(), lambda what, text: None).run()
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Version 1 serves behind the router."""
    with rolling(tmp_path_factory.mktemp("rollout")) as found:
        yield found


def test_a_good_challenger_is_promoted_and_no_request_fails(site: Field) -> None:
    """Three weights and the promotion under load: every request is answered 200."""
    site.load.answers.clear()
    store = site.begin(2)
    ended = site.drive(store)
    assert ended.verdict is Verdict.PROMOTE, ended.reasons
    assert (site.champion(), site.site.registry.aliases.of(LAST_KNOWN_GOOD)) == ("2", "1")
    assert site.site.stand.router.weights() == {"2": 100}
    assert set(site.site.stand.standing.predictors) == {"2"}
    weights = ["started", "weight", "weight"]
    assert site.steps(store) == ["claimed", *weights, "judged", "promoting", "ended"]
    assert site.site.ledger.verify().whole
    assert set(site.load.answers) == {200}
    assert site.load.answers[200] > 500


def test_a_driver_killed_before_the_alias_moved_is_taken_up_again(site: Field) -> None:
    """Killed after the verdict; meanwhile no other rollout may begin; --resume promotes, once."""
    site.load.answers.clear()
    store = site.begin(4)
    assert site.site.monitor
    assert site.site.detector
    line = [sys.executable, "-c", KILLED_BEFORE_THE_ALIAS, str(site.settings)]
    done = subprocess.run([*line, site.site.monitor, site.site.detector], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (store.load().phase, site.champion()) == (Phase.PROMOTING, "2")
    with pytest.raises(Busy, match="is under way"):
        site.begin(5)
    resumed = timonel_here("rollout", "start", "--resume", *site.arguments(), "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["phase"] == "ended"
    assert site.champion() == "4"
    assert site.steps(store).count("ended") == 1
    assert set(site.load.answers) == {200}


def test_what_is_not_the_judged_package_is_not_promoted(site: Field) -> None:
    """The version's digest changes while it is judged: the champion stays, with all requests."""
    registry = site.site.registry

    def forge(what: str, text: str) -> None:
        if what == "block 1":
            name = site.site.config.model.name
            registry.tracking.call("set_model_version_tag", name, "5", DIGEST_TAG, "0" * 64)

    ended = site.roll(5, forge)
    assert (ended.phase, ended.verdict) == (Phase.ENDED, Verdict.INCONCLUSIVE)
    assert "not promoted" in ended.reasons[0]
    assert site.champion() == "4"
    assert site.site.stand.router.weights() == {"4": 100}


def test_a_worse_challenger_is_rolled_back(site: Field) -> None:
    """It refuses a third of the requests by its contract: seen within some blocks, then it gets none."""
    ended = site.roll(NARROW)
    assert ended.verdict is Verdict.ROLLBACK
    assert ended.reasons[0].startswith("rejected: the canary is worse")
    assert site.site.stand.router.weights() == {"4": 100}
    assert set(site.site.stand.standing.predictors) == {"4"}
    told = timonel_here("rollout", "report", "-c", site.settings)
    assert "| rejected |" in told.stdout, told.stderr
    picture = site.settings.with_name("report.html")
    assert timonel_here("rollout", "report", "-c", site.settings, "--html", picture).returncode == 0
    assert picture.read_text().count("<svg") >= 6


def test_a_rollout_does_not_fight_whoever_changes_the_weights(site: Field) -> None:
    """Weights set by hand are noticed, end the rollout, and stay."""
    routes, before = Path(site.site.stand.router.routes), site.champion()

    def meddle(what: str, text: str) -> None:
        if what == "block 1":
            found = json.loads(routes.read_text())
            for part in found["http"]["services"]["model"]["weighted"]["services"]:
                part["weight"] = {f"v{before}": 90, "v6": 10}[part["name"]]
            # whole: the router takes half a file for no routes
            write_text(routes, json.dumps(found))
            wait(lambda: site.site.stand.router.weights() == {before: 90, "6": 10}, 30)

    ended = site.roll(6, meddle)
    assert (ended.verdict, ended.hands_off) == (Verdict.INCONCLUSIVE, True), ended.reasons
    found = f"somebody changed the weights: version {before} 90 %, version 6 10 %"
    assert found in ended.reasons[0]
    assert site.site.stand.router.weights() == {before: 90, "6": 10}


def test_without_requests_there_is_no_verdict(site: Field) -> None:
    """Nobody asks: inconclusive, and the champion stays."""
    site.load.going.clear()
    ended = site.roll(6)
    site.load.going.set()
    assert ended.verdict is Verdict.INCONCLUSIVE
    assert "had no requests" in ended.reasons[0]
    assert (site.champion(), site.site.stand.router.weights()) == ("4", {"4": 100})


def test_what_cannot_be_decided_is_refused_before_the_start(site: Field) -> None:
    """Too little traffic, or the champion itself."""
    with pytest.raises(BadInput, match="cannot be decided"):
        site.site.begin("6", 0.01, datetime.now(UTC))
    with pytest.raises(BadInput, match="is the champion already"):
        site.begin(4)


def test_a_promotion_waits_for_approval_and_outlives_the_champions_death(site: Field) -> None:
    """Judged good it waits; the champion is killed and started again; then somebody approves."""
    store = site.begin(6)
    driver = site.site.driver(store, lambda what, text: None)
    driver.parts = replace(driver.parts, approval_within=timedelta(minutes=2))
    driving = Thread(target=driver.run)
    driving.start()
    wait(lambda: store.load().phase is Phase.APPROVAL, 60)
    before = site.site.stand.standing.predictors["4"].child
    os.kill(before.pid, signal.SIGKILL)
    wait(lambda: "restarted" in site.steps(store), 60)
    assert site.champion() == "4"
    assert timonel_here("rollout", "approve", "-c", site.settings).returncode == 0
    driving.join(60)
    ended = store.load()
    assert (ended.phase, ended.verdict) == (Phase.ENDED, Verdict.PROMOTE)
    assert site.champion() == "6"
    assert site.steps(store)[-3:] == ["approved", "promoting", "ended"]


def test_an_abort_gives_all_requests_back(site: Field) -> None:
    """The command that drives it withdraws it; nobody else may drive it meanwhile."""
    champion = site.champion()
    line = command("rollout", "start", "--version", "7", "--rps", "100", *site.arguments())
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as driving:
        assert driving.stdout is not None
        for said in driving.stdout:
            if said.startswith("weight"):
                break
        resumed = timonel_here("rollout", "start", "--resume", *site.arguments())
        assert "driven by another command" in resumed.stderr
        aborted = timonel_here("rollout", "abort", "-c", site.settings)
        assert aborted.stdout.startswith("aborting")
        assert driving.wait(60) == Verdict.ROLLBACK.exit_code
    assert site.champion() == champion
    assert site.site.stand.router.weights() == {champion: 100}
