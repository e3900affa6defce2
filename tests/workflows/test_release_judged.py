"""scripts/release.sh against the real monitor over HTTP: requests follow the weight that Helm was told."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

pytest.importorskip("timonel_serving", reason="the monitor is not in the venv of make test-infra")
import uvicorn

from monitor_pages import Stop
from rolled_out import Bench, table
from timonel_serving.monitor.api.app import create_app
from timonel_serving.monitor.models.station import Station
from timonel_serving.monitor.process import put_together

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/release.sh"
TOKEN = "a-token-of-forty-characters-for-the-judge"


@contextmanager
def judging(bench: Bench) -> Iterator[int]:
    """The monitor's API on a port, with a token; the bench turns its judge."""
    settings = bench.watched.config.monitoring.monitor
    station = Station([bench.watched])
    service = put_together(station, settings, {"TIMONEL_TOKEN": TOKEN}, lambda: bench.now)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(service), log_level="critical"))
        thread = Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        Stop(server, thread)()
        station.close()


def weight(calls: Path) -> int:
    """What Helm was told last, in percent."""
    return int([0, *re.findall(r"rollout\.weight=(\d+)", calls.read_text())][-1])


def released(folder: Path, calls: Path, helm: Any, bad: float) -> tuple[subprocess.Popen[str], str]:
    """Play minutes of 500 requests until the script ends; a share of the canary's fails."""
    helm()
    bench = Bench(folder / "monitor")
    for _ in range(10):
        bench.now += 60
        bench.heard("pod-1", table(bench.now, 400, "6", errors=4))
    with judging(bench) as port:
        asked = {"RELEASE": "fraud", "MODEL": "fraud", "STABLE": "6", "CANARY": "7", "VALUES": "v"}
        asked |= {"NAMESPACE": "ml", "MONITOR": "m", "PORT": str(port), "TIMONEL_TOKEN": TOKEN}
        asked |= {"INTERVAL": "0.05", "SETTLE": "0", "GITHUB_STEP_SUMMARY": str(folder / "summary")}
        with subprocess.Popen([str(SCRIPT)], env=os.environ | asked, cwd=folder, text=True) as run:
            deadline = time.monotonic() + 120
            while run.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.05)
                share = weight(calls) / 100
                if bench.watched.rollouts.all and 0 < share < 1:
                    canary = int(500 * share)
                    errors = (5, int(canary * bad))
                    bench.minute(stable=500 - canary, canary=canary, bad=errors)
    return run, (folder / "summary").read_text()


def test_an_equal_version_is_promoted(tmp_path: Path, calls: Path, helm: Any) -> None:
    """The judge raises the weight, Helm sets it, and the new version serves alone in the end."""
    run, summary = released(tmp_path, calls, helm, bad=0.01)
    assert run.returncode == 0, summary
    last = calls.read_text().splitlines()[-1]
    assert "stable.version=7" in last
    assert "canary.enabled=false" in last
    assert "50 % to 7" in summary
    assert "| errors |" in summary


def test_a_worse_version_is_rolled_back(tmp_path: Path, calls: Path, helm: Any) -> None:
    """A canary of which 15 % fail is gone after some minutes, and the report says why."""
    run, summary = released(tmp_path, calls, helm, bad=0.15)
    assert run.returncode == 10, summary
    last = calls.read_text().splitlines()[-1]
    assert "stable.version=6" in last
    assert "canary.enabled=false" in last
    assert "errors: the canary is worse" in summary
