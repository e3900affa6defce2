"""What the version in service is held against: its own better days, or the version before it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from timonel.config import Config
from timonel.contract import FeatureReader
from timonel.diagnosis import Replay
from timonel.errors import BadInput, Corrupt
from timonel.package import Package
from timonel_components.learning.scoring import probabilities
from timonel_components.learning.skops_io import load_model
from timonel_components.registry import resolve
from timonel_components.tracking.runs import Tracking
from timonel_pipelines.rollout.promotion.aliases import LAST_KNOWN_GOOD, Aliases

CURRENT = timedelta(days=14)
"""How long a stretch a diagnosis looks at where no onset is known."""
LONGEST_REFERENCE = timedelta(days=90)


@dataclass(frozen=True)
class Compared:
    """The rows from `start` to `turn` are the reference of those since `turn`."""

    start: datetime
    turn: datetime
    deployed: bool
    """Whether they are the former version's."""


def compare(
    first: datetime | None, alarm: datetime | None, now: datetime, *, former: bool
) -> Compared | None:
    """Hold the rows since the alarm, or of two weeks, against those before; None where there are none.

    `first`: the version's first prediction. One that has no two weeks before the alarm is held against
    the former version, if that is known: it may have been bad from its first day.
    """
    if first is None or first >= now:
        return None
    # rows from before the alarm would thin out what went wrong: a young fault looked like drift
    turn = max(alarm or now - CURRENT, first)
    if former and turn - first < CURRENT:
        return Compared(first - LONGEST_REFERENCE, first, deployed=True)
    start = max(first, turn - LONGEST_REFERENCE)
    return Compared(start, turn, deployed=False) if start < turn else None


def previous(
    config: Config, tracking: Tracking, version: str, logged: str | None
) -> tuple[str, Package] | None:
    """The version to go back to: the one pinned when `version` was promoted, else the last that the log
    tells of (`logged`). None where there is none, or its package is gone or spoilt.
    """
    if logged is None:
        return None
    pinned = Aliases(tracking, config.model.name).of(LAST_KNOWN_GOOD)
    wanted = logged if pinned in (None, version) else pinned
    try:
        number, package = resolve(config, str(wanted), tracking=tracking)
    except (BadInput, Corrupt):  # the diagnosis says that it is not at hand
        return None
    return str(number), package


def replay(package: Package) -> Replay | None:
    """Scores logged rows again; None for more than two classes, whose score is another thing."""
    if len(package.contract.classes) != 2:
        return None
    pipeline, contract = load_model(package.path / "model.skops"), package.contract

    def score(table: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        batch = FeatureReader(contract).from_table(table)
        return np.asarray(probabilities(pipeline, batch, contract)[:, 1], dtype=np.float64)

    return score
