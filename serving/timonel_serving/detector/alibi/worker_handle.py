"""The worker as its parent sees it: started, asked, ended by its id."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from timonel_serving.detector.alibi.frames import table_bytes, write_frame
from timonel_serving.detector.alibi.messages import Plan, Ready, Refused, Said, Verdict

_log = logging.getLogger("timonel.serving")
_ANSWER: TypeAdapter[Ready | Refused | Verdict] = TypeAdapter(Said)
_MOST = 4 * 2**20
"""Bytes of an answer."""
_SECRETS = ("TIMONEL_TOKEN", "TIMONEL_HASH_KEY")
COMMAND = (sys.executable, "-P", "-m", "timonel_serving.detector.alibi.worker")


class Died(Exception):
    """The worker is gone, or had to be ended."""


class WorkerHandle:
    """One process. Made and asked by one thread; `kill` is safe from any."""

    def __init__(self, environment: Mapping[str, str], command: Sequence[str] = COMMAND) -> None:
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        kept = {name: v for name, v in environment.items() if not name.startswith(_SECRETS)}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**threads, **kept},
        )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def make(self, plan: Plan, rows: pa.Table, seconds: float) -> Ready | Refused:
        """Hand over plan and reference, and wait for the detector."""
        frames = (plan.model_dump_json().encode(), table_bytes(rows))
        answer = self._exchange(frames, seconds)
        if isinstance(answer, Verdict):
            raise Died("it said a verdict before it was ready")
        return answer

    def judge(self, window: pa.Table, seconds: float) -> Verdict:
        """Its verdict on a window."""
        answer = self._exchange((table_bytes(window),), seconds)
        if not isinstance(answer, Verdict):
            raise Died("it said something else than a verdict")
        return answer

    def check(self) -> None:
        """Raise `Died` where it is gone."""
        if self._process.poll() is not None:
            raise Died(self._how_it_ended())

    def kill(self) -> None:
        """End it at once; nothing is lost, since it keeps nothing."""
        self._process.kill()

    def close(self) -> None:
        """End it, and wait until it is gone."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was not written yet
                _open(pipe).close()

    def _exchange(self, frames: Sequence[bytes], seconds: float) -> Ready | Refused | Verdict:
        try:
            with self._ended_after(seconds):
                for frame in frames:
                    write_frame(_open(self._process.stdin), frame)
                line = _open(self._process.stdout).readline(_MOST)
        except OSError as error:
            raise Died(f"it does not take rows: {error}") from None
        if not line.endswith(b"\n"):
            raise Died(self._how_it_ended())
        try:
            return _ANSWER.validate_json(line)
        except ValidationError as error:
            raise Died(f"its answer cannot be read: {error.errors()[0]['msg']}") from None

    @contextmanager
    def _ended_after(self, seconds: float) -> Iterator[None]:
        """End a worker that hangs, which frees who waits for it."""
        timer = threading.Timer(seconds, self._hangs, (seconds,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _hangs(self, seconds: float) -> None:
        _log.error("Alibi Detect's process %d: no answer within %g s", self.pid, seconds)
        self.kill()

    def _how_it_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):  # its output ends a little before it does
            self._process.wait(1)
        self.kill()
        code = self._process.wait()
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise OSError("there is no pipe")
    return pipe
