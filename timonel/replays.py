"""Scoring logged rows again with a registered model: any installed package may provide it.

The entry point group `timonel.replay` names functions `(package) -> replay`: they take a package's folder and
give what turns a table with the features into the score of each row, as the ledger has it.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

from timonel.diagnosis.case import Replay

GROUP = "timonel.replay"

OpenReplay = Callable[[Path], Replay]


def find_replay() -> OpenReplay | None:
    """The installed scorer of packages; None where there is none."""
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        found: OpenReplay = entry.load()
        return found
    return None
