"""What is known of one rollout that is judged here: all of it is on the disk after each change."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from timonel.canary import CanaryPlan, Decision, Verdict
from timonel.canary.cutting import Totals
from timonel.canary.timeline import MOST_POINTS
from timonel.performance.value import Measured

MOST_STEPS = 200
"""Steps that are told of a rollout, and its end."""
_CLOSED = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")
_DRAWN = ("e_harm", "harm_bar", "e_safe", "safe_bar")


class Kind(StrEnum):
    """What happened to a rollout; values as in the ledger's records."""

    STARTED = "started"
    WEIGHT = "weight"
    JUDGED = "judged"
    ENDED = "ended"


class Happened(BaseModel):
    """One step of a rollout, in a sentence."""

    model_config = _CLOSED

    at: datetime
    step: Kind
    said: str
    reasons: tuple[str, ...] = ()


class Point(BaseModel):
    """The evidence after one block, as `evidence_course` reads it."""

    model_config = _CLOSED

    at: datetime
    evidence: dict[str, Any]

    @classmethod
    def of(cls, at: datetime, decision: Decision, weight: float | None) -> "Point":
        """What is drawn of a decision; the weight is the one that was told, if one was."""
        metrics = {
            name: {key: getattr(one, key) for key in _DRAWN}
            | {arm: _drawn(getattr(one, arm)) for arm in ("stable", "canary", "difference")}
            for name, one in decision.metrics.items()
        }
        told = decision.weight if weight is None else weight
        return cls(at=at, evidence={"weight": told, "metrics": metrics})


def _drawn(found: Measured) -> dict[str, Any]:
    return {"value": found.value, "lower": found.lower, "upper": found.upper, "n": found.n}


class Hosted(BaseModel):
    """One rollout. Frozen: a change is a new state, written whole."""

    model_config = _CLOSED

    id: str
    model: str
    stable: str
    canary: str
    plan: CanaryPlan
    """As it was when the rollout was opened: settings that change later do not touch it."""
    opened: datetime
    counted_from: datetime
    """In event time, a whole hour: from there on counts are added up."""
    totals: Totals
    """At the end of the last block."""
    block_end: datetime
    judge: bytes
    weight: float | None = None
    """Traffic of the canary in percent, as it was told; None: nobody said."""
    steady_from: datetime
    """From when on blocks hold no request of an earlier weight."""
    decision: dict[str, Any] | None = None
    """As the judge gave it after the last block."""
    course: tuple[Point, ...] = ()
    steps: tuple[Happened, ...] = ()
    closed: str | None = None
    """Why it was ended from outside."""
    recorded: int = 0
    """How many of its steps are in the ledger's decisions."""

    @property
    def final(self) -> bool:
        """Whether nothing can change its verdict any more."""
        return self.closed is not None or bool(self.decision and self.decision["final"])

    @property
    def verdict(self) -> Verdict:
        """Of the judge; what was ended from outside before it had decided is inconclusive."""
        judged = self.decision is not None and (self.decision["final"] or self.closed is None)
        if self.decision is not None and judged:
            return Verdict(self.decision["verdict"])
        return Verdict.CONTINUE if self.closed is None else Verdict.INCONCLUSIVE

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the verdict is what it is."""
        if self.closed is not None:
            return (self.closed, *(self.decision["reasons"] if self.decision else ()))
        return tuple(self.decision["reasons"]) if self.decision else ("no block is over yet",)

    def after(self, happened: Happened, **changes: Any) -> "Hosted":
        """With a further step, which is told while there is room; the last one always is."""
        after = self.model_copy(update=changes)
        if len(self.steps) >= MOST_STEPS and not after.final:
            return after
        return after.model_copy(update={"steps": (*self.steps, happened)})


def thinned(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Every other point once there are twice as many as are shown; first and last stay."""
    if len(points) <= 2 * MOST_POINTS:
        return points
    return (*points[:-1:2], points[-1])
