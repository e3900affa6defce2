"""An incident from healthy to recovered, with no hand on it: found, explained, acted on, measured again."""

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
from deploying import bad_version, taken_over
from losses import read, verdict
from online import Online, tell, wait_for, watched
from predictors import Server, served, train
from project import Project, made
from telling import command, console, say
from traffic import Traffic

from timonel.diagnosis import Cause
from timonel.faults import INCIDENTS, Severity
from timonel_serving.replay.drill import Fault
from timonel_serving.replay.player import Stage, play

HEALTHY, STRUCK, AFTER = (timedelta(days=n) for n in (7, 10, 7))
"""Before the fault, with it until the governor is asked (sooner, its rows are too few to learn from), and
once something was done.
"""
MENDABLE = (Cause.DATA_QUALITY, Cause.SERVING_SKEW, Cause.INFRASTRUCTURE, Cause.LABEL_ARTEFACT)
"""Causes that end when their owner mends them; the others stay in the world."""
COLUMNS = {
    "unit_change": ("distance_mi",),
    "category_rename": ("season",),
    "segment_outage": ("twilight",),
    **dict.fromkeys(("null_burst", "stuck_sensor", "clipped_range"), ("start_lng",)),
}
DEPLOY = "bad_deploy"
"""A real second version instead of an injection: the way back leads to a version that there is."""
SECONDS = 15.0
DIAGNOSING = 60.0
"""Seconds for the monitor to have a diagnosis."""


@dataclass(frozen=True)
class Clock:
    """The made-up weeks, which end now."""

    start: datetime

    @property
    def onset(self) -> datetime:
        """When the fault sets in."""
        return self.start + HEALTHY

    @property
    def asked(self) -> datetime:
        """When the governor is asked."""
        return self.onset + STRUCK


@dataclass(frozen=True)
class Stood:
    """What runs while an incident is played."""

    project: Project
    server: Server
    online: Online
    traffic: Traffic
    fault: Fault
    clock: Clock

    @property
    def stage(self) -> Stage:
        """Whom the traffic is played to."""
        features = self.traffic.scorer.features
        return Stage(self.online.model, features, self.online.detector, self.online.monitor)


def play_through(example: Path, name: str, severity: Severity) -> None:
    """Tell an incident of `timonel.faults` to its end, or to where it stops."""
    fault, project = Fault(name, severity, _columns(example, name)), made(example)
    train(project.settings)
    with ExitStack() as running:
        server = running.enter_context(served(project.settings, fixed_ports=False))
        if server.contract.ranking is not None or len(server.contract.classes) != 2:
            sys.exit("error: only the traffic of binary models can be played")
        package = server.facts["package"]
        online = running.enter_context(watched(project.settings, package, fixed_ports=False))
        traffic = Traffic(Path(package), server.facts["rest"])
        began = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        clock = Clock(began - HEALTHY - STRUCK - AFTER)
        _through(Stood(project, server, online, traffic, fault, clock))


def _columns(example: Path, name: str) -> tuple[str, ...]:
    """A feature in which the fault passes the contract: what is refused at the door is another story."""
    return COLUMNS.get(name, ()) if example.parent.name == "accidents" else ()


def _through(stood: Stood) -> None:
    clock = stood.clock
    log, what = _struck(stood)
    console.print(f"\n[dim]a week without fault, {STRUCK.days} days with {stood.fault.name}[/]")
    say("fault", f"{what}, since {clock.onset:%d %b %H:%M}")
    _played(stood, log)
    tell(stood.online)
    cause = _diagnosed(stood)
    _onward(stood, log, cause, _governed(stood))


def _struck(stood: Stood) -> tuple[pa.Table, str]:
    """What is asked and answered until the governor is asked, and what befell it."""
    clock, deploys = stood.clock, stood.fault.name == DEPLOY
    days = (HEALTHY + STRUCK) / timedelta(days=1)
    fault = None if deploys else stood.fault
    log, truths = stood.traffic.stretch(0, clock.start, days, fault, clock.onset)
    if not deploys:
        return log, "; ".join(truth.what for truth in truths)
    with bad_version(stood.project, stood.server.contract) as worse:
        after = stood.traffic.answered(log, worse.facts["rest"])
        onset = pa.scalar(clock.onset, log["event_time"].type)
        return taken_over(log, after, onset), f"version {worse.facts['version']} answers"


def _played(stood: Stood, log: pa.Table, earlier: pa.Table | None = None) -> None:
    for _ in play(log, stood.stage, SECONDS, earlier):
        pass
    wait_for(stood.online)


def _diagnosed(stood: Stood) -> str | None:
    """The cause that the monitor's own diagnosis names; it made it when the anomaly opened."""
    deadline = time.monotonic() + DIAGNOSING
    told = stood.online.ask("diagnosis")
    while told["running"] and time.monotonic() < deadline:
        time.sleep(2)
        told = stood.online.ask("diagnosis")
    console.print("\n[dim]the diagnosis that the monitor made by itself[/]")
    if told["diagnosis"] is None:
        say("diagnosis", "none was made")
        return None
    found = told["diagnosis"]
    say("diagnosis", str(found["cause"] or found["state"]).replace("_", " "))
    for one in found["findings"][:3]:
        share = one["share"]["value"]
        part = "" if share is None else f" ({share:.0%} of the loss)"
        say("", f"{one['cause'].replace('_', ' ')}{part}: {one['evidence'][0]}")
    cause: str | None = found["cause"]
    return cause


def _governed(stood: Stood) -> dict[str, Any]:
    """Ask the governor, with the log in the table to train from; it does what it decides."""
    rows = stood.project.learn(stood.clock.start, stood.clock.asked)
    console.print(f"\n[dim]{rows:,} labelled rows of the log are in the table to train from[/]")
    return _asked(stood)


def _asked(stood: Stood, *more: str) -> dict[str, Any]:
    words = command("retrain", "-c", stood.project.settings, "--if-due", *more)
    done = subprocess.run([*words, "--json"], check=False, capture_output=True, text=True)
    if done.returncode not in (0, 10, 20, 30):
        sys.exit(done.stderr or done.stdout)
    found: dict[str, Any] = json.loads(done.stdout)
    decision = found["decision"]
    for trigger in decision["triggers"]:
        say("trigger", trigger["what"])
    for veto in decision["vetoes"]:
        say("against", f"{veto['kind']}: {veto['what']}" if isinstance(veto, dict) else str(veto))
    for line in (decision["answer"].replace("_", " "), *decision["reasons"]):
        say("decision", line)
    if found["done"]:
        say("done", found["done"]["summary"])
    return found


def _onward(
    stood: Stood,
    log: pa.Table,
    named: str | None,
    answer: dict[str, Any],
) -> None:
    """What happens then, and what the loss does."""
    decided, done = answer["decision"]["answer"], answer["done"]
    truly = INCIDENTS[stood.fault.name].cause
    if decided in ("veto", "none") and named in MENDABLE and truly in MENDABLE:
        say("then", "the owner mends it: from here on traffic goes on without the fault")
        after, _ = stood.traffic.stretch(1, stood.clock.asked, AFTER.days, None, stood.clock.asked)
        _measured(stood, after, log)
    elif done and done["outcome"] == "done" and done["version"]:
        _released(stood, log, str(done["version"]), back=decided == "roll_back")
    else:
        say("stops", "here: nothing was done that could end it, so no recovery is claimed")


def _released(stood: Stood, log: pa.Table, version: str, *, back: bool) -> None:
    """The new version serves while the change stays in the world; or the former one again."""
    clock, alias = stood.clock, "champion" if back else "challenger"
    fault = None if back else stood.fault
    world, _ = stood.traffic.stretch(1, clock.asked, AFTER.days, fault, clock.asked)
    with served(stood.project.settings, fixed_ports=False, alias=alias) as fresh:
        if str(fresh.facts["version"]) != version:
            sys.exit(f"error: version {fresh.facts['version']} serves, expected {version}")
        if back:
            say("then", f"version {version} serves again")
        else:
            stood.project.promote(version)
            say("then", f"version {version} serves; the change stays in the world")
        after = stood.traffic.answered(world, fresh.facts["rest"])
        _measured(stood, after, log)


def _measured(stood: Stood, after: pa.Table, earlier: pa.Table) -> None:
    _played(stood, after, earlier)
    clock = stood.clock
    ends = (clock.start, clock.onset, clock.asked, clock.asked + AFTER)
    found = [read(stood.online, *span) for span in pairwise(ends)]
    console.print("\n[dim]what was realised, as the monitor says[/]")
    for name, one in zip(("before", "during", "after"), found, strict=True):
        say(name, str(one))
    say("verdict", verdict(*found))
    console.print()
    _asked(stood, "--dry-run")
