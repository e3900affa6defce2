"""Diagnoses beside the monitor: when one is made, within which bounds, and what the interface answers."""

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from monitor_pages import watched
from timonel import ModelMonitor
from timonel.diagnosis.finding import Diagnosis
from timonel.diagnosis.record import record
from timonel.faults import Healthy, UnitChange
from timonel.ledger import Ledger
from timonel.ledger import Place as LedgerPlace
from timonel_serving.monitor.api import openapi
from timonel_serving.monitor.models.watched import Watched
from timonel_serving.monitor.rounds import diagnosing
from timonel_serving.monitor.rounds.diagnosing import Diagnosing
from watching import wait, watching

HEALTHY = Healthy(rows=8_000, days=28)
AT = datetime(2026, 1, 22, tzinfo=UTC)
SLEEPS = "import os, sys, time; open({file!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(60)"


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A model with something open."""
    rng, folder = np.random.default_rng(4), tmp_path_factory.mktemp("broken")
    fault = UnitChange(columns=("amount",), model=HEALTHY.model)
    monitor = ModelMonitor()
    table = fault.apply(HEALTHY.table(rng), rng).table
    for start in range(0, table.num_rows, 500):
        monitor.track_batch(table.slice(start, 500))
        monitor.detect_anomalies()
    one = watched(monitor, "broken", folder)
    assert one.readings().standing.open
    yield one
    one.close()


def running(pid: str) -> bool:
    """Whether a process still works."""
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


def test_one_that_takes_too_long_is_ended(
    broken: Watched,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Killed at its limit, and told; the thread is free again."""
    monkeypatch.setattr(diagnosing, "_PROGRAM", SLEEPS.format(file=str(tmp_path / "pids")))
    monkeypatch.setattr(diagnosing, "_LONGEST", 1.0)
    with caplog.at_level("WARNING"):
        Diagnosing(broken, tmp_path / "timonel.yaml", 0.0)._look()
    assert f"the diagnosis failed: {-signal.SIGKILL}" in caplog.text
    pids = (tmp_path / "pids").read_text().split() if (tmp_path / "pids").exists() else []
    assert not any(map(running, pids))
    assert not broken.diagnosing


def test_one_that_takes_too_much_memory_fails_alone(
    broken: Watched,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is refused more than its bound, ends by itself, and the log has its last words."""
    hungry = "import time; time.sleep(1); held = bytearray(2**30); print(len(held))"
    monkeypatch.setattr(diagnosing, "_PROGRAM", hungry)
    monkeypatch.setattr(diagnosing, "_MEMORY", 256 * 2**20)
    with caplog.at_level("WARNING"):
        Diagnosing(broken, tmp_path / "timonel.yaml", 0.0)._look()
    assert "MemoryError" in caplog.text


def test_one_runs_at_a_time_and_ends_with_the_monitor(
    broken: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it looks while one is under way; a stop does not wait for it, nor leave it behind."""
    file = tmp_path / "pids"
    monkeypatch.setattr(diagnosing, "_PROGRAM", SLEEPS.format(file=str(file)))
    monkeypatch.setattr(diagnosing, "_LOOK", 0.01)
    made = Diagnosing(broken, tmp_path / "timonel.yaml", 0.0)
    made.start()
    wait(lambda: file.exists() and file.read_text())
    made._asked = frozenset()  # as if everything that is open had opened since
    time.sleep(0.3)
    assert broken.diagnosing
    (pid,) = file.read_text().split()
    made.stop()
    assert not running(pid)
    assert not broken.diagnosing


def test_it_is_made_for_what_is_new(broken: Watched, tmp_path: Path) -> None:
    """Something that was not open, or another day of data; never within the pause, never for nothing."""
    made = Diagnosing(broken, tmp_path / "timonel.yaml", 3600.0)
    one, two = frozenset({("drift", "amount")}), frozenset({("drift", "age")})
    assert made._due(one, AT)
    assert not made._due(frozenset(), AT)
    assert not made._due(one, None)
    made._asked, made._newest, made._began = one, AT, broken.now()
    assert not made._due(two, AT)
    made._began -= 3601
    assert made._due(two, AT)
    assert not made._due(one, AT)
    assert made._due(one, AT + timedelta(days=1))


def test_the_interface_answers_the_newest_diagnosis(tmp_path: Path) -> None:
    """Whole, with its place in the chain; null before there is one, 404 for a model that is not there."""
    ledger = Ledger(LedgerPlace.of(str(tmp_path / ".timonel" / "ledger"), {}))
    with watching(tmp_path, settings="stale_after: 1h") as monitor:
        empty = monitor.get("diagnosis")
        assert empty["diagnosis"] is None
        assert (empty["running"], empty["record"], empty["hash"]) == (False, None, None)
        given = TypeAdapter(Diagnosis).validate_json(json.dumps(openapi._DIAGNOSIS))
        kept = record(ledger, "fraud", "1", AT, given)
        record(ledger, "other", "1", AT, given)
        found = monitor.get("diagnosis")
        assert (found["record"], found["hash"]) == (kept.seq, kept.hash)
        assert datetime.fromisoformat(found["time"]) == AT
        assert found["diagnosis"] == json.loads(json.dumps(given.to_dict()))
        assert monitor.client.get("/v1/models/nobody/diagnosis").status_code == 404
