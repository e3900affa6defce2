"""`timonel detect` as a process of its own, and its counts."""

import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from inference_events import Headers
from servers import TIMONEL

SETTINGS = """model: {name: fraud, task: binary}
data: {source: none.csv, target: fraud, entity: card}
monitoring: {detector: {%s}}
"""


@dataclass(frozen=True)
class Detecting:
    """A detector's process that listens."""

    process: subprocess.Popen[str]
    url: str
    connection: http.client.HTTPConnection

    def post(self, headers: Headers, body: bytes) -> tuple[int, bytes]:
        """Post a message over a kept connection."""
        self.connection.request("POST", "/", body, headers)
        response = self.connection.getresponse()
        return response.status, response.read()

    def counts(self) -> dict[str, float]:
        """The series of /metrics by name and labels."""
        text = httpx.get(f"{self.url}/metrics").text
        found = re.findall(r"^timonel_detector_(\S+) (\S+)$", text, re.MULTILINE)
        return {name: float(value) for name, value in found}

    def settled(self) -> dict[str, float]:
        """The counts once all that was posted is folded."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            counts = self.counts()
            done = sum(v for k, v in counts.items() if k.startswith("inferences_total"))
            joined = counts['events_total{outcome="joined"}'] / 2
            if not counts["spool_unread_bytes"] and done == joined:
                return counts
            time.sleep(0.05)
        raise AssertionError(f"not settled: {self.counts()}")

    def delivered(self, rows: int, *destinations: str) -> dict[str, float]:
        """The counts once each destination has so many rows, of this run or before."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            counts = self.counts()
            if all(arrived(counts, name) >= rows for name in destinations):
                return counts
            time.sleep(0.05)
        raise AssertionError(f"not delivered: {self.counts()}")


def arrived(counts: dict[str, float], destination: str) -> float:
    """The rows that a destination has."""
    label = f'delivered_rows_total{{destination="{destination}",outcome='
    return counts.get(f'{label}"delivered"}}', 0) + counts.get(f'{label}"known"}}', 0)


@contextmanager
def detecting(
    folder: Path,
    *flags: str,
    settings: str = "name: pod-1",
    before: Sequence[str] = (),
    **environment: str,
) -> Iterator[Detecting]:
    """A detector with its spool in `folder`, killed at the end if it still runs; `before` is a command
    that runs the rest of its line."""
    folder.mkdir(exist_ok=True)
    (folder / "timonel.yaml").write_text(SETTINGS % f"port: 0, {settings}")
    command = [*before, TIMONEL, "detect", "--json", "--spool", str(folder / "spool"), *flags]
    with (folder / "stderr").open("a") as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("TIMONEL_")} | environment,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, (folder / "stderr").read_text()
        url = json.loads(line)["url"]
        address = urlsplit(url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        with closing(connection):
            yield Detecting(process, url, connection)
    finally:
        process.kill()
        process.communicate()
