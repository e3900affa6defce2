"""What serves as the file says it now, and what was seen of it before."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, ConfigDict, ValidationError

from timonel.errors import BadInput
from timonel_serving.monitor.disk.durable import write_durably
from timonel_serving.monitor.served.changes import Seen, since, worth
from timonel_serving.monitor.served.file import Serving, read_serving
from timonel_serving.monitor.served.standing import Serves, ServingState

_MOST = 200
"""Changes that are kept here; the ledger keeps all."""
_log = logging.getLogger("timonel.monitor")


class _Kept(BaseModel):
    """What lies on the disk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seen: tuple[Seen, ...] = ()
    recorded: int = 0
    """How many of them are in the ledger, from the first on."""


class Served:
    """Reads the file round by round. Safe to use from several threads."""

    def __init__(self, file: Path | None, folder: Path, clock: Callable[[], float]) -> None:
        """Take up what was seen before; without a file nothing is known, and nothing written."""
        self._file, self._path, self._clock = file, folder / "served.json", clock
        self._lock = Lock()
        self._kept = self._read()
        self._now: Serving | None = None
        self._trouble = ""

    def look(self) -> None:
        """Read the file; a change is on the disk when this returns."""
        if self._file is None:
            return
        try:
            found = read_serving(self._file)
        except BadInput as error:
            if error.message != self._trouble:
                _log.error("what serves is not known: %s", error.message)
            self._trouble = error.message
            return
        with self._lock:
            self._trouble, self._now = "", found
            if worth(self._kept.seen, found):
                at = datetime.fromtimestamp(self._clock(), UTC)
                self._keep((*self._kept.seen, Seen(at=at, what=found)), self._kept.recorded)

    @property
    def standing(self) -> Serves:
        """What serves, or why that is not known."""
        with self._lock:
            seen, now = self._kept.seen, self._now
        if self._file is None:
            return Serves(ServingState.UNSET)
        if self._trouble:
            last = seen[-1].what if seen else None
            return Serves(ServingState.UNREADABLE, last, since(seen), self._trouble)
        return Serves(ServingState.UNSET if now is None else ServingState.KNOWN, now, since(seen))

    @property
    def unrecorded(self) -> tuple[Seen, ...]:
        """The changes that are not in the ledger, the oldest first."""
        with self._lock:
            return self._kept.seen[self._kept.recorded :]

    def note_recorded(self, chain: tuple[Seen, ...], done: tuple[Seen, ...]) -> None:
        """Take the ledger's word for what was before, and these of ours as recorded."""
        with self._lock:
            newer = self._kept.seen[self._kept.recorded + len(done) :]
            self._keep((*chain, *newer), len(chain))

    def _keep(self, seen: tuple[Seen, ...], recorded: int) -> None:
        gone = max(len(seen) - _MOST, 0)
        self._kept = _Kept(seen=seen[gone:], recorded=max(recorded - gone, 0))
        write_durably(self._path, self._kept.model_dump_json().encode())

    def _read(self) -> _Kept:
        try:
            return _Kept.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return _Kept()
        except (ValidationError, OSError) as error:
            _log.error("%s cannot be read: %s", self._path, str(error).splitlines()[0])
            return _Kept()
