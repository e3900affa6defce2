"""Diagnoses made beside the monitor: a process of its own for each, bounded in time and memory."""

import logging
import os
import resource
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile

from timonel_serving.monitor.models.watched import Watched

_log = logging.getLogger("timonel.monitor")
_LOOK = 5.0
"""Seconds between two looks at what is open."""
_AGAIN = timedelta(days=1)
_LONGEST = 600.0
"""Seconds that a diagnosis may take; a million rows take less than 60."""
_MEMORY = 4 * 2**30
"""Bytes of its own that it may hold."""
_PROGRAM = "from timonel.cli.main import run; run()"

Key = tuple[str, str]


class Diagnosing:
    """Starts `timonel diagnose --record` when something opens: one at a time, with a pause between two."""

    def __init__(self, watched: Watched, config: Path, pause: float) -> None:
        self._watched, self._config, self._pause = watched, config, pause
        self._asked: frozenset[Key] = frozenset()
        """What was open when the last one began."""
        self._began: float | None = None
        self._newest: datetime | None = None
        """The newest prediction then."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="diagnosing", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End; a diagnosis that is under way is killed."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK):
            try:
                self._look()
            except Exception:
                _log.exception("no diagnosis was made", extra={"model": self._watched.name})

    def _look(self) -> None:
        standing = self._watched.readings().standing
        opened = standing.open
        keys = frozenset((str(one.what), str(one.where)) for one in opened)
        if not self._due(keys, standing.newest):
            return
        self._asked, self._began, self._newest = keys, self._watched.now(), standing.newest
        onset = min(one.since for one in opened)
        self._watched.diagnosing = True
        try:
            self._diagnose(onset.isoformat())
        finally:
            self._watched.diagnosing = False

    def _due(self, keys: frozenset[Key], newest: datetime | None) -> bool:
        """Whether something is open that was not, or has been for another day of data."""
        early = self._began is not None and self._watched.now() - self._began < self._pause
        if early or not keys or newest is None:
            return False
        older = self._newest is None or newest - self._newest >= _AGAIN
        return older or bool(keys - self._asked)

    def _diagnose(self, onset: str) -> None:
        words = ["diagnose", "-c", str(self._config), "--onset", onset, "--record", "--quiet"]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
        with TemporaryFile("w+") as errors:
            worker = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, *words],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
            resource.prlimit(worker.pid, resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
            os.setpriority(os.PRIO_PROCESS, worker.pid, 10)
            self._wait(worker)
            errors.seek(0)
            said = errors.read()
        if worker.returncode:
            _log.warning("the diagnosis failed: %s", said[-500:].strip() or worker.returncode)
        else:
            _log.info("diagnosed", extra={"model": self._watched.name, "onset": onset})

    def _wait(self, worker: "subprocess.Popen[bytes]") -> None:
        until = self._watched.now() + _LONGEST
        while worker.poll() is None:
            if self._stopping.wait(0.5) or self._watched.now() > until:
                worker.kill()
                worker.wait()
