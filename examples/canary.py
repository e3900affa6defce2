"""Three releases on real data: a router, steady requests, and a judge that may be asked at any time.

    python examples/canary.py            # about two minutes
    python examples/canary.py --stay     # leaves all of it running until Ctrl-C

1. A version as good as the champion is promoted.
2. One that has no answer where a value is missing, and is slow for some rows, is rolled back.
3. One that learnt from labels the wrong way round serves as well as any other: it is promoted, and taken back
   once labels have come.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from callers import PAUSE, THREADS, Callers, callers
from challengers import Workshop
from online import started
from telling import EXAMPLES, command, console, say, shorten

from timonel.config import load_config
from timonel.package import open_package

HOME = EXAMPLES / "accidents" / ".timonel" / "canary"
PROMOTED, ROLLED_BACK = 0, 10
"""Exit codes of `timonel rollout start`."""
SHARES = [{"name": name, "margin": 0.05, "noise": 0.0} for name in ("errors", "nulls", "rejected")]
SLOW_MS = 25.0
METRICS = [
    *({**share, "base_rate": 0.01} for share in SHARES),
    {"name": "latency", "kind": "latency", "edges": [5.0, 10.0, SLOW_MS], "slo": SLOW_MS},
]
"""Margins of five points: a demo has minutes, not hours."""


@dataclass(frozen=True)
class Stage:
    """What runs, and who asks it."""

    settings: Path
    model: str
    monitor: str
    detector: str
    callers: Callers

    def release(self, title: str, version: int, expected: int) -> None:
        """Roll a version out; ends the demo unless it comes out as it should."""
        console.print(f"\n[bold]{title}[/]\n")
        self.callers.taken()
        at = ("--monitor", self.monitor, "--detector", self.detector)
        rps = ("--rps", str(round(0.8 * THREADS / PAUSE)))
        run(
            "rollout",
            "start",
            "-c",
            self.settings,
            "--version",
            str(version),
            *at,
            *rps,
            ends=expected,
        )
        self.tell(version)

    def tell(self, version: int) -> None:
        """What the callers got meanwhile, and where the pictures of it are."""
        answers = self.callers.taken()
        told = ", ".join(f"{count:,} x {status}" for status, count in sorted(answers.items()))
        page = HOME / f"version-{version}.html"
        console.print()
        say("callers", f"{sum(answers.values()):,} requests: {told}")
        run("rollout", "report", "-c", self.settings, "--html", page, quiet=True)
        say("report", shorten(page))


def main() -> None:
    """Tell the three stories."""
    parser = argparse.ArgumentParser(description="Three releases on real data.")
    parser.add_argument("--stay", action="store_true", help="leave it running until Ctrl-C")
    stays = parser.parse_args().stay
    began = time.monotonic()
    settings = prepared()
    first = train(settings)
    good, nulls, turned = challengers(settings, Path(first["package"]))
    with staged(settings, Path(first["package"])) as stage:
        stage.release("1  As good as the champion", good, PROMOTED)
        stage.release("2  Worse in nulls and in the tail of the latency", nulls, ROLLED_BACK)
        stage.release("3  Worse, and nothing shows it yet", turned, PROMOTED)
        second_verdict(stage, turned)
        console.print()
        say("page", f"{stage.monitor}/models/{stage.model}")
        say("took", f"{time.monotonic() - began:.0f} s")
        if stays:
            console.print("\nleft running, Ctrl-C stops it")
            signal.pause()


def prepared() -> Path:
    """Settings of the example with blocks of a second, in a folder of their own."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    given = yaml.safe_load((EXAMPLES / "accidents" / "timonel.yaml").read_text())
    given["data"]["source"] = str(EXAMPLES / "accidents" / given["data"]["source"])
    given["data"]["label_delay"] = "20s"
    given["train"] = {"candidates": ["logistic"], "trials": 1}
    given["storage"] = {"directory": "."}
    given["monitoring"] = {"detector": {"hand_over_every": "1s", "commit_every": "2s"}}
    given["rollout"] = {
        "metrics": METRICS,
        "block": "1s",
        "warm_up": "2s",
        "hold_blocks": 3,
        "min_requests": 300,
        "steps": [10, 30, 50],
        "patience": 100,  # a busy machine counts late
    }
    given["release"] = {"vintage": "10s", "second_margin": 0.02}
    settings = HOME / "timonel.yaml"
    settings.write_text(yaml.safe_dump(given, sort_keys=False))
    return settings


def train(settings: Path) -> dict[str, Any]:
    """Train and register the champion; what came of it."""
    done = subprocess.run(
        [*command("train", "-c", settings), "--json"], stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit(done.returncode)
    facts: dict[str, Any] = json.loads(done.stdout)
    say("version", f"{facts['version']}, digest {facts['package_digest'][:12]}: the champion")
    return facts


def challengers(settings: Path, package: Path) -> tuple[int, int, int]:
    """Make and register the three versions; their numbers."""
    shop = Workshop(load_config(settings), open_package(package))
    made = shop.retrained("regularised", 0.3), shop.cascade(), shop.turned_round()
    what = (
        "trained again, with more regularisation: all gates hold",
        "a cascade without imputation, registered past the gates",
        "its labels were turned round by a broken export: all gates hold, on rows of the same export",
    )
    for number, said in zip(made, what, strict=True):
        say("version", f"{number}, {said}")
    return made


@contextmanager
def staged(settings: Path, package: Path) -> Iterator[Stage]:
    """Monitor, detector, router and champion, under steady requests."""
    config, logs = load_config(settings), HOME / "logs"
    words = ("-c", settings, "--reference", package, "--port", "0")
    with started("watch", *words, log=logs / "monitor.log") as monitor:
        at = ("--monitor-url", monitor["url"])
        with started("detect", *words, *at, log=logs / "detector.log") as detector:
            try:
                run("rollout", "up", "-c", settings, "--detector", detector["url"])
                url = f"http://{config.release.host}:{config.release.port}"
                with callers(config, package, url).asking() as asking:
                    name = config.model.name
                    yield Stage(settings, name, monitor["url"], detector["url"], asking)
            finally:
                run("rollout", "down", "-c", settings, quiet=True)


def second_verdict(stage: Stage, version: int) -> None:
    """Labels come, and the version is judged again."""
    count = stage.callers.tell_truth(stage.monitor, stage.model)
    say("labels", f"{count:,} have come")
    console.print()
    at = ("--detector", stage.detector)
    run("rollout", "second", "-c", stage.settings, *at, "--wait", ends=ROLLED_BACK)
    stage.tell(version)


def run(*words: str | Path, ends: int = 0, quiet: bool = False) -> None:
    """A command that must end so."""
    line = command(*words)
    done = subprocess.run(line, check=False, stdout=subprocess.DEVNULL if quiet else None)
    if done.returncode != ends:
        sys.exit(f"error: it ended with {done.returncode}, expected {ends}")


if __name__ == "__main__":
    # a stop from outside ends what was started, as Ctrl-C does
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        console.print("\nstopped")
        sys.exit(130)
