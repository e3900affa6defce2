"""The worker is a real process; only Alibi Detect in it is a stand-in, which fails on command."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pytest

from alibi_worker import COMMAND, CRASH, EAT, HANG, RAISE
from receivers import Receiver
from timonel_serving.detector.alibi.frames import table_bytes, write_frame
from timonel_serving.detector.alibi.messages import Plan
from timonel_serving.detector.alibi.metrics import AlibiMetrics
from timonel_serving.detector.alibi.sink import Sender, VerdictEvent, verdict_events
from timonel_serving.detector.alibi.verdicts import Limits, Verdicts
from timonel_serving.log.queue import EventLog, receiver_address

PLAN = Plan(
    kind="tabular",
    saved=None,
    digest=None,
    allow_pickle=False,
    features=("x", "y"),
    categorical=(),
    p_value=0.05,
    memory_mb=2048,
)
SIZE = 100


def features(rows: int, seed: int, first: float | None = None) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = {"x": rng.normal(size=rows), "y": rng.normal(size=rows)}
    if first is not None:
        columns["x"][0] = first
    return columns


REFERENCE = pa.table(features(2000, 0))


def window(first: float | None = None, rows: int = SIZE) -> pa.Table:
    """A batch as the detector offers it."""
    columns = features(rows, 1, first)
    struct = pa.StructArray.from_arrays([pa.array(c) for c in columns.values()], list(columns))
    ids = [f"req-{i}" for i in range(rows)]
    return pa.table({"inference.id": ids, "inference.features": struct})


@pytest.fixture
def start() -> Iterator[Callable[..., Verdicts]]:
    """Starts taps, and stops them."""
    started: list[Verdicts] = []

    def started_with(
        pauses: tuple[float, ...] = (0.01,) * 5,
        timeout: float = 60,
        log: EventLog[VerdictEvent] | None = None,
        metrics: AlibiMetrics | None = None,
        **environment: str,
    ) -> Verdicts:
        given = {**os.environ, **environment}
        limits = Limits(SIZE, None, timeout, pauses)
        tap = Verdicts(PLAN, REFERENCE, limits, metrics or AlibiMetrics(), log, given, COMMAND)
        tap.start()
        started.append(tap)
        return tap

    yield started_with
    for tap in started:
        tap.stop()


def value(tap: Verdicts, name: str, **labels: str) -> float:
    return tap.series.get_sample_value(f"timonel_detector_alibi_{name}", labels) or 0.0


def wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_after_each_death_it_is_started_anew_and_goes_on(
    start: Callable[..., Verdicts], caplog: pytest.LogCaptureFixture
) -> None:
    """Killed, or out of memory: counted and told; its window is lost, the next one is judged."""
    tap = start()
    wait(lambda: value(tap, "worker_up") == 1)
    for first in (CRASH, EAT):
        tap.offer(window(first))
        tap.offer(window())
        judged = value(tap, "rows_total", outcome="judged")
        wait(lambda n=judged: value(tap, "rows_total", outcome="judged") == n + SIZE)
    pid = tap.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait(lambda: value(tap, "worker_restarts_total") == 3)
    assert value(tap, "rows_total", outcome="lost") == 2 * SIZE
    ends = [r.getMessage().split(": ")[1].split(".")[0] for r in caplog.records]
    assert ends == ["signal 9", "exit code 1", "signal 9"]


def test_one_that_hangs_is_ended(start: Callable[..., Verdicts]) -> None:
    """After the time that a verdict may take; offers return at once, and what has no room is shed."""
    tap = start(timeout=1.5)
    wait(lambda: value(tap, "worker_up") == 1)
    tap.offer(window(HANG))
    longest, large = 0.0, window(rows=100_000)
    for _ in range(100):
        before = time.perf_counter()
        tap.offer(large)
        longest = max(longest, time.perf_counter() - before)
    assert longest < 0.2
    assert value(tap, "batches_shed_total") > 0
    wait(lambda: value(tap, "worker_restarts_total") == 1)
    wait(lambda: value(tap, "rows_total", outcome="judged") >= SIZE)


def test_what_the_detector_raises_is_a_verdict_without_an_answer(
    start: Callable[..., Verdicts],
) -> None:
    """The process stays; the window is counted as failed, and whether it drifted is unknown."""
    tap = start()
    tap.offer(window(RAISE))
    wait(lambda: value(tap, "verdicts_total", outcome="failed") == 1)
    assert tap.series.get_sample_value("timonel_detector_alibi_is_drift", {}) is None
    assert value(tap, "worker_restarts_total") == 0


def test_one_that_never_starts_is_given_up(
    start: Callable[..., Verdicts], caplog: pytest.LogCaptureFixture
) -> None:
    """After so many failures in a row: said at the highest level, in a gauge, and rows are shed at once."""
    tap = start(pauses=(0.01, 0.01), ALIBI_IS_BROKEN="yes")
    wait(lambda: value(tap, "worker_given_up") == 1)
    assert value(tap, "worker_restarts_total") == 2
    tap.offer(window())
    assert value(tap, "rows_total", outcome="shed") == SIZE
    critical = [r for r in caplog.records if r.levelno == logging.CRITICAL]
    assert "failed 3 times in a row" in critical[0].getMessage()


def test_offering_nonsense_raises_nothing(start: Callable[..., Verdicts]) -> None:
    """Batches without features, with other ones, or of other types are counted; the next window is judged."""
    tap = start()
    tap.offer(pa.table({"other": [1, 2]}))
    text = pa.StructArray.from_arrays([pa.array(["a"] * 50)], ["x"])
    tap.offer(pa.table({"inference.features": text}))
    tap.offer(window(rows=50))
    tap.offer(window())
    wait(lambda: value(tap, "rows_total", outcome="judged") == SIZE)
    assert value(tap, "rows_total", outcome="unreadable") == 2 + SIZE


def test_verdicts_reach_the_sink_and_secrets_do_not_reach_the_worker(
    start: Callable[..., Verdicts], receiver: Receiver
) -> None:
    """The event is named after the window's last row; at the end no process is left."""
    metrics, sender = AlibiMetrics(), Sender("drift", "/x", "fraud", "default")
    log = EventLog(
        receiver_address(receiver.url, "sink"),
        lambda one: verdict_events(one, sender),
        capacity=10,
        counters=metrics,
    )
    tap = start(log=log, metrics=metrics, TIMONEL_TOKEN="hidden", TIMONEL_HASH_KEY_FILE="hidden")
    tap.offer(window())
    headers, body = receiver.events.get(timeout=60)
    assert headers["ce-id"] == f"req-{SIZE - 1}"
    assert orjson.loads(body)["data"]["is_drift"] == 0
    pid = tap.pid
    assert pid is not None
    assert b"hidden" not in Path(f"/proc/{pid}/environ").read_bytes()
    tap.stop()
    assert not alive(pid)
    assert value(tap, "events_total", outcome="sent") == 1


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """A parent that is killed leaves no worker behind, though it is in the midst of a verdict."""
    program = tmp_path / "parent.py"
    program.write_text(
        "import json, os, subprocess, sys, time\n"
        f"worker = subprocess.Popen({COMMAND!r}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "worker.stdin.write(sys.stdin.buffer.read()); worker.stdin.flush()\n"
        "print(json.dumps([worker.pid, json.loads(worker.stdout.readline())]), flush=True)\n"
        "time.sleep(600)\n"
    )
    frames = tmp_path / "frames"
    with frames.open("wb") as stream:
        for frame in (PLAN.model_dump_json().encode(), table_bytes(REFERENCE)):
            write_frame(stream, frame)
        write_frame(stream, table_bytes(pa.table(features(SIZE, 1, HANG))))
    with frames.open("rb") as stream:
        command = [sys.executable, str(program)]
        parent = subprocess.Popen(command, stdin=stream, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid, ready = json.loads(parent.stdout.readline())
    assert ready["says"] == "ready"
    parent.kill()
    parent.communicate()
    wait(lambda: not alive(pid), seconds=10)


def test_stopping_in_the_midst_of_a_verdict_waits_for_nothing(
    start: Callable[..., Verdicts],
) -> None:
    """Shutdown takes no longer than ending a process, and is no failure."""
    tap = start()
    wait(lambda: value(tap, "worker_up") == 1)
    tap.offer(window(HANG))
    threading.Event().wait(0.2)
    before = time.monotonic()
    tap.stop()
    assert time.monotonic() - before < 5
    assert value(tap, "worker_restarts_total") == 0
