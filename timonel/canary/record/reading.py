"""The records of rollouts in the chain of decisions, read as what they mean."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from timonel.ledger import Record

KIND = "rollout"
"""Of a record in the chain of decisions."""


class Step(StrEnum):
    """What a rollout did."""

    CLAIMED = "claimed"
    HELD = "held"
    STARTED = "started"
    WEIGHT = "weight"
    RESTARTED = "restarted"
    JUDGED = "judged"
    APPROVED = "approved"
    PROMOTING = "promoting"
    HOLDING = "holding"
    RETURNING = "returning"
    ENDED = "ended"
    SECOND = "second"
    """A verdict on the promoted version once labels have matured; after it the rollout may end again."""


class Details(BaseModel):
    """What every record of a rollout says."""

    model_config = ConfigDict(frozen=True, extra="allow")

    rollout: str
    step: Step
    lease_seconds: float
    hosted: bool = False
    """Whether a monitor judges it for others; else a driver of its own moves the traffic."""


def details_of(record: "Record") -> Details | None:
    """None for a record that somebody changed beyond reading."""
    try:
        return Details.model_validate_json(record.details)
    except ValidationError:
        return None


def numbers_of(record: "Record") -> dict[str, Any]:
    """What a record says besides."""
    found = details_of(record)
    return {} if found is None else dict(found.model_extra or {})


LEASE_STEPS = frozenset((Step.CLAIMED, Step.HELD))
"""They only hold the turn of a rollout, and say nothing of the canary."""
