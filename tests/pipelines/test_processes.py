"""A run's processes: none outlives it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from timonel_pipelines.processes import GRACE_SECONDS, ProcessGroup

STUBBORN = """
import os, signal, subprocess, sys, time
if len(sys.argv) > 1:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
else:
    subprocess.Popen([sys.executable, __file__, "child"])
print(os.getpid(), flush=True)
time.sleep(60)
"""
"""Starts a child that does not heed an interrupt; both write their pid."""
OWNER = """
import pathlib, sys, time
from timonel_pipelines.processes import ProcessGroup
ProcessGroup.start([sys.executable, "-c", {leader!r}], pathlib.Path({log!r}), {{}})
time.sleep(60)
"""
LEADER = """
import os, threading, time
from timonel_pipelines import driver
threading.Thread(target=driver._end_with_parent, daemon=True).start()
print(os.getpid(), flush=True)
time.sleep(60)
"""


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pids(log: Path) -> list[int]:
    """The pids that a log tells of."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [int(line) for line in lines if line.isdigit()]


def runs(pid: int) -> bool:
    """Whether a process runs (one that is dead but not yet buried does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_stopping_ends_children_that_do_not_heed_an_interrupt(tmp_path: Path) -> None:
    """After `stop` nothing of the group runs, within the grace and a moment."""
    script, log = tmp_path / "stubborn.py", tmp_path / "log.txt"
    script.write_text(STUBBORN)
    group = ProcessGroup.start([sys.executable, str(script)], log, {})
    until(lambda: len(pids(log)) == 2)
    began = time.monotonic()
    group.stop()
    assert time.monotonic() - began < 2 * GRACE_SECONDS
    assert not any(map(runs, pids(log)))


def test_stopping_what_has_ended_is_quick(tmp_path: Path) -> None:
    """A group that ended by itself costs no grace."""
    group = ProcessGroup.start([sys.executable, "-c", "print(1)"], tmp_path / "log.txt", {})
    until(lambda: group.ended)
    began = time.monotonic()
    group.stop()
    assert time.monotonic() - began < 1
    assert group.leader.returncode == 0


def test_a_run_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    """Nobody can stop a run whose command was killed: it stops by itself."""
    log = tmp_path / "log.txt"
    code = OWNER.format(leader=LEADER, log=str(log))
    owner = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: len(pids(log)) == 1)
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    until(lambda: not runs(pids(log)[0]), seconds=GRACE_SECONDS + 5)
