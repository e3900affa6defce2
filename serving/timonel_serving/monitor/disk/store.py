"""What a model's state is kept in: a snapshot, and the journal of what came after it."""

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock, Timeout

from timonel.errors import Busy, Corrupt
from timonel_serving.monitor.disk.durable import write_durably
from timonel_serving.monitor.disk.journal import Journal

FORMAT = 1


@dataclass(frozen=True)
class Snapshot:
    """The state at a position of the journal."""

    identity: str
    """Of the journal: random, given once."""
    position: int = 0
    """What comes before is in here, what comes after is in the journal."""
    delivered: int = 0
    """Up to where labels are in the ledger."""
    detectors: dict[str, list[Any]] = field(default_factory=dict)
    counters: dict[str, Any] = field(default_factory=dict)
    monitor: bytes = b""
    """As `ModelMonitor.save` has it; empty before the first."""

    def pack(self) -> tuple[bytes, ...]:
        """As pieces of a file, their SHA-256 first; the monitor's is large and is not copied."""
        fields = {name: value for name, value in vars(self).items() if name != "monitor"}
        head = orjson.dumps({"format": FORMAT, **fields}, option=orjson.OPT_APPEND_NEWLINE)
        digest = hashlib.sha256(head)
        digest.update(self.monitor)
        return f"{digest.hexdigest()}\n".encode(), head, self.monitor

    @classmethod
    def unpack(cls, data: bytes) -> "Snapshot":
        """The inverse, of the whole file; Corrupt for anything else."""
        digest, _, body = data.partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != digest:
            raise Corrupt("its SHA-256 is another one")
        head, _, monitor = body.partition(b"\n")
        fields = orjson.loads(head)
        if fields.pop("format") != FORMAT:
            raise Corrupt("it was written by another release")
        return cls(monitor=monitor, **fields)


class Store:
    """A folder that belongs to one process at a time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._owner = folder, _hold(folder)
        self.snapshot = self._read()
        """The last one; without the monitor's state once another was written."""
        self.journal = Journal(folder / "journal", self._needed)

    @property
    def _needed(self) -> int:
        """From where on the journal is needed."""
        return min(self.snapshot.position, self.snapshot.delivered)

    def save(self, snapshot: Snapshot) -> None:
        """Put a snapshot in the place of the last one; then the journal's older part goes."""
        self._write(snapshot)
        self.snapshot = replace(snapshot, monitor=b"")
        self.journal.release(self._needed)

    def _write(self, snapshot: Snapshot) -> None:
        write_durably(self._folder / "snapshot", *snapshot.pack())

    def close(self) -> None:
        """Leave the folder to another process."""
        self.journal.close()
        self._owner.release()

    def _read(self) -> Snapshot:
        path = self._folder / "snapshot"
        if not path.exists():
            snapshot = Snapshot(os.urandom(8).hex())
            self._write(snapshot)
            return snapshot
        try:
            return Snapshot.unpack(path.read_bytes())
        except (Corrupt, ValueError, KeyError, TypeError) as error:
            raise Corrupt(
                f"the snapshot {path} is damaged: {error}",
                fix=f"restore {self._folder} from a copy, or remove it to begin anew",
            ) from None


def _hold(folder: Path) -> FileLock:
    lock = FileLock(folder / "lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Busy(
            f"another monitor writes to {folder}",
            fix="stop it, or give this one another monitoring.monitor.directory",
        ) from None
    return lock
