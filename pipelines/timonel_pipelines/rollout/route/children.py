"""Processes that outlive the command which starts them, and are found again by number and time of birth."""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, ConfigDict

from timonel.errors import Unavailable

POLL = 0.05
KILL_AFTER = 5.0
"""Seconds beyond the time to drain."""


class Child(BaseModel):
    """A process that was started here, perhaps by an earlier command."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    born: float
    """Seconds since 1970: a number is used again, a pair is not."""
    output: str
    """The file of what it prints."""

    @property
    def started(self) -> datetime:
        """When."""
        return datetime.fromtimestamp(self.born, UTC)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process() is not None

    def stop(self, grace: float) -> None:
        """Ask it to end, and end it after the grace; one that is gone already is no error."""
        process = self._process()
        if process is None:
            return
        process.terminate()
        if not self._gone(grace + KILL_AFTER):
            process.kill()
            self._gone(KILL_AFTER)

    def _gone(self, within: float) -> bool:
        """Whether it ended in time. A zombie has: it may be another process's to bury."""
        deadline = time.monotonic() + within
        while self.alive and time.monotonic() < deadline:
            time.sleep(POLL)
        return not self.alive

    def announced(self, within: float) -> dict[str, Any]:
        """The line of JSON it prints once it is ready; raises Unavailable if it ends or takes longer."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            text = Path(self.output).read_text(encoding="utf-8")
            lines = [line for line in text.splitlines(keepends=True) if line.startswith("{")]
            if lines and lines[0].endswith("\n"):
                facts: dict[str, Any] = json.loads(lines[0])
                return facts
            if not self.alive:
                break
            time.sleep(POLL)
        raise Unavailable(
            f"the process has not become ready within {within:.0f} s: {_last_line(self.output)}",
            fix=f"read {Path(self.output).with_suffix('.log')}",
        )

    def _process(self) -> psutil.Process | None:
        try:
            found = psutil.Process(self.pid)
            if found.status() == psutil.STATUS_ZOMBIE or abs(found.create_time() - self.born) > 1:
                _reap(self.pid)
                return None
        except psutil.NoSuchProcess:
            return None
        return found


def start(words: Sequence[str], output: Path) -> Child:
    """Start a process in a session of its own; what it logs goes beside its output, to .log."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("w") as said, output.with_suffix(".log").open("a") as logged:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=said, stderr=logged, start_new_session=True
        )
    try:
        born = psutil.Process(process.pid).create_time()
    except psutil.NoSuchProcess:
        born = 0.0
    # it is found again by its number: this handle would only warn that the process goes on
    process.returncode = 0
    return Child(pid=process.pid, born=born, output=str(output))


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _last_line(path: str) -> str:
    log = Path(path).with_suffix(".log")
    lines = log.read_text(encoding="utf-8").strip().splitlines() if log.exists() else []
    return lines[-1][:300] if lines else "it printed nothing"
