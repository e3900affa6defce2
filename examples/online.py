"""The online half of the demo: detector and monitor beside the predictor, and weeks played in a minute."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from telling import announced, command, console, launched, say, shorten, stop

from timonel.config import load_config

LEFT_BEHIND = ("spool", "monitor", "ledger")
"""What an earlier demo counted: another fortnight on top of it would be no fortnight."""
PATIENCE = 120.0
"""Seconds for the monitor to have counted all that was played."""
ROUND = 12.0
"""Seconds in which the monitor judges once, by default."""


@dataclass(frozen=True)
class Online:
    """The running detector and monitor."""

    model: str
    detector: str
    monitor: str

    def ask(self, what: str) -> Any:
        """What the monitor says of the model."""
        answer = httpx.get(f"{self.monitor}/v1/models/{self.model}/{what}", timeout=60)
        return answer.raise_for_status().json()


@contextmanager
def watched(settings: Path, package: str, *, fixed_ports: bool) -> Iterator[Online]:
    """Start monitor and detector on the model's package; both are stopped when the block ends."""
    config = load_config(settings)
    for name in LEFT_BEHIND:
        shutil.rmtree(config.home / name, ignore_errors=True)
    words = ("-c", settings, "--reference", package, *(() if fixed_ports else ("--port", "0")))
    logs = config.home / "logs"
    console.print()
    with started("watch", *words, log=logs / "monitor.log") as monitor:
        say("monitor", monitor["url"])
        at = ("--monitor-url", monitor["url"])
        with started("detect", *words, *at, log=logs / "detector.log") as detector:
            say("detector", detector["url"])
            say("logs", shorten(logs))
            yield Online(config.model.name, detector["url"], monitor["url"])


@contextmanager
def started(*words: str | Path, log: Path) -> Iterator[dict[str, Any]]:
    """A process of Timonel's: what it announces once it listens."""
    process = launched(command(*words), log)
    try:
        yield announced(process)
    finally:
        stop(process)


def play(online: Online, settings: Path, package: str, predictor: str, given: Any) -> None:
    """Play a fortnight, wait until the monitor has counted it, and say what it makes of it."""
    fault = () if given.incident is None else ("--incident", given.incident)
    at = ("--predictor", predictor, "--detector", online.detector, "--monitor", online.monitor)
    console.print()
    words = command("replay", "-c", settings, "--package", package, *at, *fault)
    done = subprocess.run([*words, "--seconds", str(given.seconds)], check=False)
    if done.returncode:
        sys.exit(done.returncode)
    wait_for(online)
    tell(online)


def wait_for(online: Online) -> None:
    """Until the monitor's count stays as it is, and has been judged."""
    deadline, before = time.monotonic() + PATIENCE, 0
    with console.status("the monitor counts and judges"):
        while time.monotonic() < deadline:
            now = online.ask("metrics?window=30d")["n"]
            if now and now == before:
                time.sleep(ROUND)
                return
            before = now
            time.sleep(6)
    sys.exit(f"error: the monitor has not counted the replay after {PATIENCE:.0f} s")


def tell(online: Online) -> None:
    """The verdict, and what is abnormal."""
    health, found = online.ask("health"), online.ask("anomalies")
    console.print("\n[dim]what the monitor says[/]")
    say(health["state"], health["sentence"])
    for one in [one for one in found["open"] if not one["where"]["slice"]][:8]:
        since = datetime.fromisoformat(one["since"])
        say("", f"since {since:%d %b %H:%M}  {one['sentence']}")
    if health.get("next_step"):
        say("next", health["next_step"])
    say("page", f"{online.monitor}/models/{online.model}")
