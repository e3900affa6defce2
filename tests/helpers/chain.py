"""Predictor, detector and monitor of one trained model, as processes that know each other."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from projects import command
from timonel.config import load_config

MODEL = "accidents"


@dataclass(frozen=True)
class Chain:
    """The running processes' addresses."""

    settings: Path
    package: Path
    predictor: str
    detector: str
    monitor: str

    def ask(self, what: str, **query: str) -> Any:
        """What the monitor says of the model."""
        at = f"{self.monitor}/v1/models/{MODEL}/{what}"
        return httpx.get(at, params=query, timeout=60).raise_for_status().json()

    def replay(self, *words: str) -> dict[str, Any]:
        """Play as fast as it goes; the truth of it, once the monitor has judged all of it."""
        addresses = [
            *("--predictor", self.predictor, "--detector", self.detector),
            *("--monitor", self.monitor, "--package", str(self.package)),
        ]
        line = command("replay", "-c", self.settings, *addresses, "--seconds", "0", "--json")
        done = subprocess.run([*line, *words], capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        truth: dict[str, Any] = json.loads(done.stdout)
        self._settle(truth["rows"])
        return truth

    def _settle(self, rows: int) -> None:
        deadline, before = time.monotonic() + 90, None
        while time.monotonic() < deadline:
            now = self.ask("metrics", window="30d")["n"], self.ask("anomalies")
            if now[0] == rows and now == before:
                return
            before = now
            time.sleep(2.5)
        raise AssertionError(f"the monitor has {before and before[0]} of {rows} predictions")


@contextmanager
def chain(folder: Path, trained: Path) -> Iterator[Chain]:
    """Start all three on a project's package, with a state of their own in `folder`."""
    config = load_config(trained)
    (package,) = (config.home / "packages" / MODEL).iterdir()
    said = yaml.safe_load(trained.read_text()) | {"storage": {"directory": str(folder)}}
    said["serving"] = {"port": 0, "grpc_port": None}
    said["monitoring"] = {"monitor": {"port": 0, "judge_every": "1s"}}
    settings = folder / "timonel.yaml"
    settings.write_text(yaml.safe_dump(said))
    common = ("-c", settings, "--json")
    with ExitStack() as stack:
        watch = stack.enter_context(started("watch", *common, "--reference", package))
        said["monitoring"]["detector"] = {
            "port": 0,
            "monitor_url": watch["url"],
            "hand_over_every": "1s",
            "commit_every": "2s",
        }
        settings.write_text(yaml.safe_dump(said))
        detect = stack.enter_context(started("detect", *common, "--reference", package))
        serve = stack.enter_context(started("serve", *common, "--package", package))
        yield Chain(settings, package, serve["rest"], detect["url"], watch["url"])


@contextmanager
def started(*words: str | Path) -> Iterator[dict[str, Any]]:
    """A process of Timonel's, and what it announces; it is stopped at the end."""
    process = subprocess.Popen(
        command(*words), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        facts: dict[str, Any] = json.loads(process.stdout.readline())
        yield facts
    finally:
        process.terminate()
        process.communicate(timeout=30)
