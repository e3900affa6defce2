"""What may go wrong around a rollout, on the real stack: nothing is promoted by it, and no request lost."""

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import yaml

from projects import command
from rollouts import Field, rolling
from timonel.canary import Verdict
from timonel_pipelines.rollout.opening import Site
from timonel_pipelines.rollout.record.state import Phase, State, Store
from timonel_pipelines.rollout.route.traefik import Traefik

Tell = Callable[[str, str], None]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Version 1 serves behind the router; nothing here makes another one champion."""
    with rolling(tmp_path_factory.mktemp("faults")) as found:
        yield found


def silent(what: str, text: str) -> None:
    """Say nothing."""


def at(block: int, act: Callable[[], object]) -> Tell:
    """Do something when a block has been judged."""

    def tell(what: str, text: str) -> None:
        if what == f"block {block}":
            act()

    return tell


def withdrawn(site: Field, ended: State) -> str:
    """The reason why it ended without a verdict; everything is as it was before the rollout."""
    assert (ended.phase, ended.verdict) == (Phase.ENDED, Verdict.INCONCLUSIVE)
    assert site.champion() == "1"
    assert site.site.stand.router.weights() == {"1": 100}
    assert set(site.site.stand.standing.predictors) == {"1"}
    return ended.reasons[0]


def test_a_canary_that_nobody_reaches_is_not_promoted(site: Field) -> None:
    """The callers go past the router, to the champion alone: what is not there is no good sign."""
    through = site.load.url
    direct = site.site.stand.standing.predictors["1"].url
    site.load.url = f"{direct}/v1/models/loans:predict"
    try:
        withdrawn(site, site.roll(2))
    finally:
        site.load.url = through


def test_traffic_that_stops_midway_ends_it(site: Field) -> None:
    """Requests of the first blocks do not decide it: too few they were, and no more come."""
    stops = at(2, site.load.going.clear)
    try:
        ended, _ = roll(site, "stopped", stops, min_requests=100_000)
    finally:
        site.load.going.set()
    withdrawn(site, ended)


def test_events_without_a_version_end_it(site: Field) -> None:
    """Whose requests they were is not guessed."""
    over = Event()

    def unnamed() -> None:
        while not over.wait(0.1):
            log_without_version(site)

    logging = Thread(target=unnamed)
    logging.start()
    try:
        ended, store = roll(site, "unnamed", min_requests=100_000)
    finally:
        over.set()
        logging.join()
    withdrawn(site, ended)
    assert any("without a version" in str(told["block"].get("doubts")) for told in store.blocks())


def log_without_version(site: Field) -> None:
    """An inference as a logger sends it that knows no versions."""
    identity, row = uuid.uuid4().hex, site.load.rows[0]
    said: dict[str, Any] = {"request": {"instances": [row]}}
    said["response"] = {"predictions": [1], "scores": [0.5]}
    for kind, body in said.items():
        headers = {
            "ce-specversion": "1.0",
            "ce-id": identity,
            "ce-source": "/gateway",
            "ce-type": f"org.kubeflow.serving.inference.{kind}",
            "ce-time": datetime.now(UTC).isoformat(),
            "ce-inferenceservicename": "loans",
        }
        assert httpx.post(str(site.site.detector), json=body, headers=headers).is_success


def test_a_clock_that_is_two_hours_ahead_promotes_nothing(site: Field) -> None:
    """The driver's: it asks for counts of a time whose requests are still to come."""
    ahead = datetime.now(UTC) + timedelta(hours=2)
    withdrawn(site, site.drive(site.site.begin("2", 100.0, ahead)))


def test_a_router_that_refuses_a_weight_ends_it(
    site: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The router is stopped before the second step and goes on later: callers wait, and none fails."""
    router = site.site.stand.standing.router
    assert router is not None
    real = Traefik.set_routes

    def stopped(self: Traefik, routes: Any, *given: Any, **named: Any) -> None:
        if any(route.version == "2" and route.weight == 50 for route in routes):
            os.kill(router.pid, signal.SIGSTOP)
        real(self, routes, *given, **named)

    def tell(what: str, text: str) -> None:
        if what == Verdict.INCONCLUSIVE.value:
            os.kill(router.pid, signal.SIGCONT)

    monkeypatch.setattr(Traefik, "set_routes", stopped)
    site.load.answers.clear()
    try:
        ended = site.roll(2, tell)
    finally:
        os.kill(router.pid, signal.SIGCONT)
    assert "the router has not taken the weights" in withdrawn(site, ended)
    assert set(site.load.answers) == {200}


def test_a_monitor_that_restarts_midway_costs_time_only(site: Field) -> None:
    """Killed and started anew, it has each request once; blocks without it are no evidence."""
    started: list[subprocess.Popen[bytes]] = []
    restart = at(2, lambda: started.append(restarted_monitor(site)))
    lasting = {"patience": 100, "max_blocks": 200, "min_requests": 400}
    try:
        ended, store = roll(site, "patient", restart, **lasting)
    finally:
        for process in started:
            process.terminate()
            process.wait(30)
    assert ended.verdict is Verdict.PROMOTE, ended.reasons
    blocks = [told["block"] for told in store.blocks()]
    assert any(block.get("failed") for block in blocks)
    counted = sum(block[arm]["requests"] for block in blocks for arm in ("stable", "canary"))
    assert counted <= sum(one.n for one in ended.totals.versions.values())


def roll(site: Field, name: str, tell: Tell = silent, **rollout: int) -> tuple[State, Store]:
    """Release version 2 under other settings."""
    said = yaml.safe_load(site.settings.read_text())
    said["rollout"] |= rollout
    settings = site.settings.with_name(f"{name}.yaml")
    settings.write_text(yaml.safe_dump(said))
    own = Site(settings, site.site.monitor, site.site.detector)
    store = own.begin("2", 100_000.0, datetime.now(UTC))
    return own.driver(store, tell).run(), store


def restarted_monitor(site: Field) -> subprocess.Popen[bytes]:
    """Kill the monitor's process, and start another one on its folder and port."""
    (old,) = (p for p in psutil.Process().children() if watches(p))
    old.kill()
    old.wait(10)
    port = str(urlsplit(str(site.site.monitor)).port)
    words = command("watch", "-c", site.settings, "--json", "--port", port)
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def watches(process: psutil.Process) -> bool:
    """Whether it is a monitor that runs."""
    try:
        return "watch" in process.cmdline()
    except psutil.ZombieProcess:
        return False
