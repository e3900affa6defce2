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
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from callers import PAUSE, THREADS, Callers, callers
from challengers import Workshop
from online import started
from telling import EXAMPLES, command, console, say, shorten

from timonel.cli.options import DEFAULT_CONFIG
from timonel.config import Config, load_config
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

    model: str
    monitor: str
    callers: Callers

    def release(self, title: str, version: int, expected: int) -> None:
        """Roll a version out; ends the demo unless it comes out as it should."""
        console.print(f"\n[bold]{title}[/]\n")
        self.callers.taken()
        rps = str(round(0.8 * THREADS / PAUSE))
        run("rollout", "start", "--version", str(version), "--rps", rps, ends=expected)
        self.tell(version)

    def taken_back(self, version: int) -> None:
        """Labels come, and the version is judged again."""
        count = self.callers.tell_truth(self.monitor, self.model)
        say("labels", f"{count:,} have come")
        console.print()
        run("rollout", "second", "--wait", ends=ROLLED_BACK)
        self.tell(version)

    def tell(self, version: int) -> None:
        """What the callers got meanwhile, and where the pictures of it are."""
        answers = self.callers.taken()
        told = ", ".join(f"{count:,} x {status}" for status, count in sorted(answers.items()))
        page = f"version-{version}.html"
        console.print()
        say("callers", f"{sum(answers.values()):,} requests: {told}")
        run("rollout", "report", "--html", page, quiet=True)
        say("report", shorten(HOME / page))


def main() -> None:
    """Tell the three stories."""
    parser = argparse.ArgumentParser(description="Three releases on real data.")
    parser.add_argument("--stay", action="store_true", help="leave it running until Ctrl-C")
    stays = parser.parse_args().stay
    began = time.monotonic()
    config = prepared()
    package = train()
    good, nulls, turned = challengers(config, package)
    with staged(config, package) as stage:
        stage.release("1  As good as the champion", good, PROMOTED)
        stage.release("2  Worse in nulls and in the tail of the latency", nulls, ROLLED_BACK)
        stage.release("3  Worse, and nothing shows it yet", turned, PROMOTED)
        stage.taken_back(turned)
        say("page", f"{stage.monitor}/models/{stage.model}")
        console.print(f"\ndone in {time.monotonic() - began:.0f} s")
        if stays:
            console.print("left running, Ctrl-C stops it")
            signal.pause()


def prepared() -> Config:
    """Settings of the example with blocks of a second, in a folder of their own, which is entered."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    os.chdir(HOME)
    given = yaml.safe_load((EXAMPLES / "accidents" / "timonel.yaml").read_text())
    given["data"]["source"] = str(EXAMPLES / "accidents" / given["data"]["source"])
    given["data"]["label_delay"] = "20s"
    given["train"] = {"candidates": ["logistic"], "trials": 1}
    given["storage"] = {"directory": "."}
    router, monitor, detector = free_ports(3)
    monitor_url = f"http://127.0.0.1:{monitor}"
    hasty = {"hand_over_every": "1s", "commit_every": "2s"}
    given["monitoring"] = {
        "monitor": {"port": monitor},
        "detector": {"port": detector, "monitor_url": monitor_url, **hasty},
    }
    given["rollout"] = {
        "metrics": METRICS,
        "block": "1s",
        "warm_up": "2s",
        "hold_blocks": 3,
        "min_requests": 300,
        "steps": [10, 30, 50],
        "patience": 100,  # a busy machine counts late
    }
    given["release"] = {"port": router, "vintage": "10s", "second_margin": 0.02}
    Path(DEFAULT_CONFIG).write_text(yaml.safe_dump(given, sort_keys=False))
    console.print(f"[dim]$[/] [bold]cd {shorten(HOME)}[/]")
    return load_config(Path(DEFAULT_CONFIG))


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def train() -> Path:
    """Train and register the champion; its package."""
    done = subprocess.run([*command("train"), "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    facts: dict[str, Any] = json.loads(done.stdout)
    say("version", f"{facts['version']}, digest {facts['package_digest'][:12]}: the champion")
    return Path(facts["package"]).relative_to(HOME)


def challengers(config: Config, package: Path) -> tuple[int, int, int]:
    """Make and register the three versions; their numbers."""
    shop = Workshop(config, open_package(package))
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
def staged(config: Config, package: Path) -> Iterator[Stage]:
    """Monitor, detector, router and champion, under steady requests."""
    logs = HOME / "logs"
    with (
        started("watch", "--reference", package, log=logs / "monitor.log") as monitor,
        started("detect", "--reference", package, log=logs / "detector.log"),
    ):
        try:
            run("rollout", "up")
            url = f"http://{config.release.host}:{config.release.port}"
            with callers(config, package, url).asking() as asking:
                yield Stage(config.model.name, monitor["url"], asking)
        finally:
            run("rollout", "down", quiet=True)


def run(*words: str, ends: int = 0, quiet: bool = False) -> None:
    """A command that must end so."""
    done = subprocess.run(
        command(*words), check=False, stdout=subprocess.DEVNULL if quiet else None
    )
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
