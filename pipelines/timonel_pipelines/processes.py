"""A group of processes that is started, watched and stopped as one."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

GRACE_SECONDS = 3.0
"""Time that processes have to clean up before they are killed."""
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class ProcessGroup:
    """A running process that leads a group, and all that it started.

    Each of them inherits the reading end of one pipe as its stdin. The leader learns from it that we
    are gone, and we learn from it that all of them are.
    """

    leader: subprocess.Popen[bytes]
    pipe: IO[bytes]

    @classmethod
    def start(
        cls, command: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> "ProcessGroup":
        """Start a command whose output goes to `log`."""
        with log.open("ab") as stream:
            leader = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        assert leader.stdin is not None
        return cls(leader, leader.stdin)

    @property
    def ended(self) -> bool:
        """Whether the leader has ended."""
        return self.leader.poll() is not None

    def stop(self) -> None:
        """End every process: interrupt them, and kill those that go on after a grace.

        A second interrupt from the keyboard ends the grace.
        """
        self._signal(signal.SIGINT)
        try:
            self._wait(time.monotonic() + GRACE_SECONDS)
        except KeyboardInterrupt:
            pass
        finally:
            self._signal(signal.SIGKILL)
            self.leader.wait()
            # the kernel takes a moment to end them on a busy machine
            self._wait(time.monotonic() + GRACE_SECONDS)
            self.pipe.close()

    def _wait(self, deadline: float) -> None:
        while time.monotonic() < deadline and self._alive():
            time.sleep(POLL_SECONDS)

    def _alive(self) -> bool:
        # a pipe that nobody reads any more is an error; the leader must be reaped as well
        watch = select.poll()
        watch.register(self.pipe, 0)
        return not self.ended or not watch.poll(0)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.leader.pid, number)
        except ProcessLookupError:
            return
