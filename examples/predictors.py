"""The offline half of the demo: a model is trained, and a predictor serves it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telling import announced, command, console, launched, say, stop

from timonel.config import Task, load_config
from timonel.contract import DataContract


@dataclass(frozen=True)
class Server:
    """A running predictor: what it announced, and the columns that it takes."""

    facts: dict[str, Any]
    contract: DataContract
    process: subprocess.Popen[str]

    @property
    def v1(self) -> str:
        """The address of KServe's V1 protocol."""
        return f"{self.facts['rest']}/v1/models/{self.facts['model']}:predict"

    @property
    def v2(self) -> str:
        """The address of the Open Inference Protocol."""
        return f"{self.facts['rest']}/v2/models/{self.facts['model']}/infer"


def train(settings: Path) -> None:
    """Train, evaluate, package and register."""
    done = subprocess.run(command("train", "-c", settings), check=False)
    if done.returncode:
        sys.exit(done.returncode)


@contextmanager
def served(
    settings: Path, *, fixed_ports: bool, more: tuple[str, ...] = (), alias: str = "challenger"
) -> Iterator[Server]:
    """Start the predictor on a version, the newest one; it is stopped when the block ends."""
    explained = load_config(settings).model.task is not Task.RANKING
    ports = ["--explain"] * explained if fixed_ports else ["--port", "0", "--grpc-port", "0"]
    console.print()
    words = command("serve", "-c", settings, "--alias", alias, *ports, *more)
    began = time.monotonic()
    process = launched(words, load_config(settings).home / "logs" / "predictor.log")
    try:
        facts = announced(process)
        say("ready", f"in {time.monotonic() - began:.1f} s: {facts['rest']}, gRPC {facts['grpc']}")
        say("model", f"version {facts['version']} on {facts['backend']}, digests verified")
        yield Server(facts, DataContract.load(Path(facts["package"]) / "contract.json"), process)
    finally:
        stop(process)
