"""One rollout of a model at a time: a lease that lies in the ledger's chain of decisions.

The chain puts all records in one order, whoever writes them. So everybody who replays it finds the same
holder: the first claim while nobody held it, until that rollout ends or is silent for longer than its lease.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from timonel.canary.record.reading import KIND, Step, details_of
from timonel.errors import Busy

if TYPE_CHECKING:
    from timonel.ledger import Record


@dataclass(frozen=True)
class Holder:
    """Who may change what serves a model."""

    rollout: str
    until: datetime
    hosted: bool = False
    """Whether a monitor judges it for others."""


def holder_of(records: Iterable["Record"], model: str, now: datetime) -> Holder | None:
    """Who holds the lease of a model, by its records in the order of the chain; None: nobody."""
    held: Holder | None = None
    for record in records:
        said = details_of(record) if record.kind == KIND and record.model == model else None
        if said is None:
            continue
        at = datetime.fromisoformat(record.time)
        ours = held is not None and (held.rollout, held.hosted) == (said.rollout, said.hosted)
        free = held is None or held.until <= at
        if ours or (said.step is Step.CLAIMED and free):
            until = at + timedelta(seconds=said.lease_seconds)
            held = None if said.step is Step.ENDED else Holder(said.rollout, until, said.hosted)
    return held if held is not None and held.until > now else None


def busy(model: str, held: Holder) -> Busy:
    """Why a rollout may not begin or go on."""
    end = f"DELETE /v1/rollouts/{held.rollout} at the monitor that judges it"
    driven = "go on with it (--resume), or end it (timonel rollout abort)"
    return Busy(
        f"the rollout {held.rollout} of {model} is under way",
        why="two rollouts at once would each undo the other's",
        fix=f"let it end, {f'or end it: {end}' if held.hosted else driven}; if it is silent"
        f" until {held.until:%H:%M:%S} UTC, another one may begin",
    )
