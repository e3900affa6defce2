"""The directory that holds what Timonel makes for a model, and the lock on it.

data/<model>/      Delta table: every ingested version of the data
packages/<model>/  model packages, one folder a training
cache/<model>/     packages fetched from the registry, by digest
runs/              working files and logs of runs
ledger/            predictions, labels, windows and decisions, unless settings place them elsewhere
mlflow.db          MLflow's runs and registry, unless a server keeps them
artifacts/         MLflow's artifacts, likewise
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from timonel.config import Config
from timonel.errors import Busy


@dataclass(frozen=True)
class Workspace:
    """The places under one storage directory."""

    home: Path
    model: str

    @classmethod
    def of(cls, config: Config) -> "Workspace":
        """The workspace that timonel.yaml names."""
        return cls(config.home, config.model.name)

    @property
    def data(self) -> Path:
        """The model's Delta table."""
        return self.home / "data" / self.model

    @property
    def packages(self) -> Path:
        """The folder of the model's packages."""
        return self.home / "packages" / self.model

    @property
    def cache(self) -> Path:
        """The folder of packages fetched from the registry."""
        return self.home / "cache" / self.model

    @property
    def runs(self) -> Path:
        """The folder of runs."""
        return self.home / "runs"

    @property
    def database(self) -> Path:
        """MLflow's SQLite file."""
        return self.home / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts."""
        return self.home / "artifacts"

    @contextmanager
    def single_training(self) -> Iterator[None]:
        """Hold the right to train this model; raises `Busy` while another process holds it."""
        self.home.mkdir(parents=True, exist_ok=True)
        note = self.home / f"training-{self.model}.json"
        lock = FileLock(self.home / f"training-{self.model}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise Busy(
                f"another training of {self.model} is running{_holder(note)}",
                fix="wait for it to end, or stop it",
            ) from None
        try:
            note.write_text(json.dumps({"pid": os.getpid(), "since": time.strftime("%H:%M:%S")}))
            yield
        finally:
            note.unlink(missing_ok=True)
            lock.release()


def _holder(note: Path) -> str:
    try:
        holder = json.loads(note.read_text())
        return f" (process {holder['pid']}, since {holder['since']})"
    except (OSError, ValueError, KeyError):
        return ""
