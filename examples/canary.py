"""A rollout on real data: two versions of a model, a router, steady requests, and the judge.

    python examples/canary.py

It trains twice, serves the first version behind Traefik, keeps asking it, and releases the second beside it.
"""

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from online import started
from telling import EXAMPLES, command, console, say, shorten

from timonel.config import load_config
from timonel.contract import DataContract
from timonel.tables import read_table

HOME = EXAMPLES / "accidents" / ".timonel" / "canary"
PAUSE = 0.02
"""Seconds between two requests."""
METRICS = [
    {"name": "errors", "margin": 0.05, "base_rate": 0.01},
    {"name": "nulls", "margin": 0.05, "base_rate": 0.01},
    {"name": "rejected", "margin": 0.05, "base_rate": 0.01},
]
"""Margins of five points: a demo has minutes, not hours."""


def main() -> None:
    """Tell the story."""
    settings = prepared()
    first, second = train(settings), train(settings)
    words = ("-c", settings, "--reference", first["package"], "--port", "0")
    logs = HOME / "logs"
    with started("watch", *words, log=logs / "monitor.log") as monitor:
        at = ("--monitor-url", monitor["url"])
        with started("detect", *words, *at, log=logs / "detector.log") as detector:
            addresses = ("--monitor", monitor["url"], "--detector", detector["url"])
            try:
                run("rollout", "up", "-c", settings, "--detector", detector["url"])
                release(settings, second["version"], addresses)
            finally:
                run("rollout", "down", "-c", settings)


def prepared() -> Path:
    """Settings of the example with blocks of two seconds, in a folder of their own."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    given = yaml.safe_load((EXAMPLES / "accidents" / "timonel.yaml").read_text())
    given["data"]["source"] = str(EXAMPLES / "accidents" / given["data"]["source"])
    given["train"] = {"candidates": ["logistic"], "trials": 1}
    given["storage"] = {"directory": "."}
    given["monitoring"] = {"detector": {"hand_over_every": "1s"}}
    given["rollout"] = {
        "metrics": METRICS,
        "block": "2s",
        "warm_up": "4s",
        "hold_blocks": 3,
        "min_requests": 200,
        "steps": [10, 30, 50],
    }
    settings = HOME / "timonel.yaml"
    settings.write_text(yaml.safe_dump(given, sort_keys=False))
    return settings


def train(settings: Path) -> dict[str, Any]:
    """Train and register a version; what came of it."""
    done = subprocess.run(
        [*command("train", "-c", settings), "--json"], stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit(done.returncode)
    facts: dict[str, Any] = json.loads(done.stdout)
    say("version", f"{facts['version']}, digest {facts['package_digest'][:12]}")
    return facts


def release(settings: Path, version: int, addresses: tuple[str, ...]) -> None:
    """Roll the second version out under a steady load, and count what the callers got."""
    with asked(settings) as answers:
        time.sleep(3)
        console.print()
        run(
            *("rollout", "start", "-c", settings, "--version", str(version), *addresses),
            *("--rps", str(round(0.7 / PAUSE))),
        )
    console.print()
    told = ", ".join(f"{count:,} x {status}" for status, count in sorted(answers.items()))
    say("callers", f"{sum(answers.values()):,} requests through all of it: {told}")
    page = HOME / "rollout.html"
    run("rollout", "report", "-c", settings, "--html", page)
    say("pictures", shorten(page))


@contextmanager
def asked(settings: Path) -> Iterator[Counter[int]]:
    """Keep asking for predictions of real rows; the answers by their status, 0 for none."""
    config, answers, over = load_config(settings), Counter[int](), threading.Event()
    package = next((config.home / "packages" / config.model.name).iterdir())
    contract = DataContract.load(package / "contract.json")
    names = [feature.name for feature in contract.features]
    rows = read_table(Path(config.source)).select(names).slice(0, 500).to_pylist()
    url = (
        f"http://{config.release.host}:{config.release.port}/v1/models/{config.model.name}:predict"
    )

    def ask() -> None:
        with httpx.Client(timeout=30) as client:
            number = 0
            while not over.wait(PAUSE):
                number += 1
                try:
                    body = {"instances": [rows[number % len(rows)]]}
                    answers[client.post(url, json=body).status_code] += 1
                except httpx.TransportError:
                    answers[0] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield answers
    finally:
        over.set()
        asking.join()


def run(*words: str | Path) -> None:
    """A command that must end well."""
    done = subprocess.run(command(*words), check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    # a stop from outside ends what was started, as Ctrl-C does
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        console.print("\nstopped")
        sys.exit(130)
