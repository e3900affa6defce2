"""`timonel watch` as a process of its own, and what detectors and people send to it."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
from prometheus_client.parser import text_string_to_metric_families

from servers import TIMONEL
from timonel.monitor.config import MonitorConfig
from timonel.monitor.monitor import ModelMonitor
from timonel.terms import Task
from timonel_serving.monitor.disk.records import table_bytes

SETTINGS = """model: {name: fraud, task: binary}
data: {source: none.csv, target: fraud}
monitoring: {monitor: {port: 0, judge_every: 1s, max_body_mb: 1, %s}}
"""
PARCEL, ROWS = "application/vnd.timonel.parcel", "application/vnd.apache.arrow.stream"
START = 1_763_078_400
"""14 November 2025, 00:00 UTC."""
Labels = Mapping[str, float]


@dataclass(frozen=True)
class Watching:
    """A monitor's process that answers."""

    process: subprocess.Popen[str]
    facts: dict[str, Any]
    errors: Path
    client: httpx.Client = field(repr=False)

    def get(self, path: str, status: int = 200, **query: str) -> Any:
        """What is answered about the model."""
        found = self.client.get(f"/v1/models/fraud/{path}", params=query)
        assert found.status_code == status, found.text
        return found.json()

    def send(
        self, detector: str, mark: int, body: bytes, kind: str = ROWS, **headers: str
    ) -> httpx.Response:
        """A delivery of a detector."""
        named = {
            "x-timonel-detector": detector,
            "x-timonel-mark": str(mark),
            "content-type": kind,
            **headers,
        }
        return self.client.post("/v1/models/fraud/windows", headers=named, content=body)

    def label(self, labels: Any, status: int = 200) -> Any:
        """Labels as JSON."""
        found = self.client.post("/v1/labels", json=labels)
        assert found.status_code == status, found.text
        return found.json()

    def series(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """The series of /metrics by name and labels, as Prometheus reads them."""
        text = self.client.get("/metrics").text
        return {
            (one.name, frozenset((k, v) for k, v in one.labels.items() if k != "model")): one.value
            for family in text_string_to_metric_families(text)
            for one in family.samples
        }

    def judged(self) -> None:
        """Wait for a whole round of judging, begun after now."""
        for _ in range(2):
            begun = time.time()
            wait(lambda begun=begun: (self.heartbeat() or 0) > begun)

    def heartbeat(self) -> float | None:
        """When the last one ended."""
        beat = self.client.get("/healthz").json()["heartbeat"]
        return None if beat is None else datetime.fromisoformat(beat).timestamp()

    def log(self) -> list[dict[str, Any]]:
        """What it has logged so far."""
        return [json.loads(line) for line in self.errors.read_text().splitlines()]


def labelled(**labels: str) -> frozenset[tuple[str, str]]:
    """The labels of a series."""
    return frozenset(labels.items())


def wait(done: Callable[[], object], seconds: float = 20) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def watching(
    folder: Path,
    *flags: str,
    settings: str = "stale_after: 1h, ledger: false",
    sections: str = "",
    **environment: str,
) -> Iterator[Watching]:
    """A monitor with its state in `folder`, killed at the end if it still runs."""
    folder.mkdir(exist_ok=True)
    (folder / "timonel.yaml").write_text(SETTINGS % settings + sections)
    command = [TIMONEL, "watch", "--json", *flags]
    errors = folder / "stderr"
    with errors.open("w") as written:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
            env=_environment() | environment,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, errors.read_text()
        facts = json.loads(line)
        with httpx.Client(base_url=facts["url"], timeout=20) as client:
            yield Watching(process, facts, errors, client)
    finally:
        process.kill()
        process.communicate()


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("TIMONEL_")}


def rows(first: int, count: int, *, version: str = "1", every: int = 10) -> pa.Table:
    """Predictions p0, p1, ... one every so many seconds from START on; odd ones are positive."""
    at = np.arange(first, first + count)
    return pa.table(
        {
            "prediction_id": [f"p{i}" for i in at],
            "timestamp": pa.array((START + at * every) * 1_000_000).cast(pa.timestamp("us", "UTC")),
            "prediction": at % 2,
            "version": [version] * count,
            "latency_ms": 20.0 + at % 7,
            "amount": (at * 37 % 101).astype(float),
        }
    )


def rows_body(first: int, count: int) -> bytes:
    """The same as a detector without a reference sends them."""
    return table_bytes(rows(first, count))


def parcel_body(first: int, count: int, **settings: Any) -> bytes:
    """The same as one with a task hands them over."""
    one = ModelMonitor(config=MonitorConfig(name="fraud", task=Task.BINARY, **settings))
    one.track_batch(rows(first, count))
    return one.hand_over().to_bytes()
