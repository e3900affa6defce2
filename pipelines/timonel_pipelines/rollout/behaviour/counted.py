"""Which rows have been counted: a file of their numbers, as long as the state says that it is."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from timonel_pipelines.rollout.behaviour.log import Ids


@dataclass(frozen=True)
class Counted:
    """The file. What is behind the length that the state knows was written by a driver that died."""

    path: Path

    def load(self, length: int) -> Ids:
        """The numbers that were counted for good."""
        if not self.path.exists():
            return np.zeros(0, dtype=np.uint64)
        return np.fromfile(self.path, dtype=np.uint64, count=length)

    def add(self, length: int, fresh: Ids) -> int:
        """Append numbers in place of what lies behind `length`; the length afterwards."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as stream:
            os.truncate(stream.fileno(), length * fresh.itemsize)
            stream.write(fresh.tobytes())
        return length + len(fresh)
