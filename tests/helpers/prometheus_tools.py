"""Prometheus' own programs, as Debian has them."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from object_store import free_ports

ROOT = Path(__file__).parents[2]


def tool(name: str) -> str:
    """The program's path; the test is skipped where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: `make tools` does it")
    return found


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    command = [tool(name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def check(name: str, *arguments: str | Path) -> str:
    """Run a program that must be content; what it printed."""
    done = run(name, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    client: httpx.Client

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series of an expression now."""
        answer = self.client.get("/api/v1/query", params={"query": expr}).json()
        assert answer["status"] == "success", (expr, answer)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def alerts(self) -> dict[str, str]:
        """The state of each alert that is not inactive: pending or firing; firing if any of its rules is."""
        found = self.client.get("/api/v1/alerts").json()["data"]["alerts"]
        ordered = sorted(found, key=lambda one: str(one["state"]), reverse=True)
        return {one["labels"]["alertname"]: one["state"] for one in ordered}


@contextmanager
def prometheus(folder: Path, rules: Mapping[str, Any], **jobs: str) -> Iterator[Prometheus]:
    """Prometheus that scrapes the addresses and evaluates the rules every second."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    scrapes = [
        {"job_name": job, "static_configs": [{"targets": [url.removeprefix("http://")]}]}
        for job, url in jobs.items()
    ]
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    settings = {"global": every, "rule_files": ["rules.yaml"], "scrape_configs": scrapes}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    with _serving(
        "prometheus",
        folder,
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address={address}",
    ) as client:
        yield Prometheus(client)


@contextmanager
def alertmanager(folder: Path, config: Path) -> Iterator[httpx.Client]:
    """Alertmanager alone, not looking for others."""
    with _serving(
        # Debian's name of the program
        "prometheus-alertmanager",
        folder,
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        "--cluster.listen-address=",
        "--web.listen-address={address}",
    ) as client:
        yield client


@contextmanager
def _serving(program: str, folder: Path, *flags: str) -> Iterator[httpx.Client]:
    """A server on a free port, once it is ready."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    command = [tool(program), *(flag.replace("{address}", address) for flag in flags)]
    log = folder / f"{program}.log"
    with log.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream)
    try:
        with httpx.Client(base_url=f"http://{address}", timeout=10) as client:
            until(lambda: process.poll() is not None or _ready(client), 30, log.read_text)
            assert process.poll() is None, log.read_text()
            yield client
    finally:
        process.kill()
        process.wait(30)


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def until(done: Callable[[], object], seconds: float, told: Callable[[], object]) -> None:
    """Wait until it holds; else fail with what is told."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, told()
        time.sleep(0.1)
