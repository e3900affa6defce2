"""`timonel serve` as a process of its own, on free ports."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from timonel.package import Package

TIMONEL = str(Path(sys.executable).with_name("timonel"))


class Served(Protocol):
    """A package with settings to serve it by."""

    @property
    def package(self) -> Package:
        """The sealed package."""

    @property
    def settings(self) -> str:
        """The sections model and data of a timonel.yaml."""


@dataclass(frozen=True)
class Running:
    """A server process that answers."""

    process: subprocess.Popen[str]
    facts: dict[str, Any]
    errors: Path

    @property
    def url(self) -> str:
        """The REST address."""
        return str(self.facts["rest"])

    @property
    def v1(self) -> str:
        """The V1 endpoint."""
        return f"{self.url}/v1/models/{self.facts['model']}:predict"

    @property
    def v2(self) -> str:
        """The V2 endpoint."""
        return f"{self.url}/v2/models/{self.facts['model']}/infer"

    def metrics(self) -> str:
        """The text of /metrics."""
        return httpx.get(f"{self.url}/metrics").text

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


class Starter(Protocol):
    """Starts servers."""

    def __call__(self, built: Served, *flags: str, settings: str = "") -> Running:
        """Start `timonel serve`; `settings` are lines of the section `serving`."""


@contextmanager
def starter(home: Path) -> Iterator[Starter]:
    """A way to start servers, all stopped at the end."""
    running: list[Running] = []

    def start(built: Served, *flags: str, settings: str = "") -> Running:
        folder = home / str(len(running))
        folder.mkdir()
        section = "serving: {port: 0, grpc_port: 0" + (f", {settings}" if settings else "") + "}\n"
        (folder / "timonel.yaml").write_text(built.settings + section)
        running.append(_start(folder, built, flags))
        return running[-1]

    try:
        yield start
    finally:
        for server in running:
            server.process.kill()
            server.process.communicate()


def _start(folder: Path, built: Served, flags: tuple[str, ...]) -> Running:
    errors = folder / "stderr"
    command = [TIMONEL, "serve", "--package", str(built.package.path), "--json", *flags]
    with errors.open("w") as stream:
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=stream, text=True
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, errors.read_text()
    return Running(process, json.loads(line), errors)
