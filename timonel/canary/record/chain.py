"""What a rollout writes to the chain of decisions while it holds the lease of its model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from timonel.canary.record.lease import Holder, busy, holder_of
from timonel.canary.record.reading import KIND, Step
from timonel.errors import Busy
from timonel.ledger import Decision, Ledger, Record


@dataclass
class Chain:
    """What one rollout writes to the chain; each record renews its lease."""

    ledger: Ledger
    model: str
    rollout: str
    lease: timedelta
    clock: Callable[[], datetime]
    hosted: bool = False
    """Whether a monitor judges it for others."""
    renewed: datetime = field(default_factory=lambda: datetime.min.replace(tzinfo=UTC))
    """When the last record was written."""

    def claim(self, version: str) -> None:
        """Take the lease, or go on holding it; raises Busy if another rollout has it."""
        self._refuse_others()
        self.say(Step.CLAIMED, version, f"rollout of version {version} asks for its turn")
        self.require()

    @property
    def due(self) -> bool:
        """Whether the lease is to be renewed: a third of it is over."""
        return self.clock() - self.renewed >= self.lease / 3

    def hold(self) -> None:
        """Renew the lease in time; raises Busy if it went to another rollout."""
        if self.due:
            self._refuse_others()
            self.say(Step.HELD, None, "the rollout goes on")

    def require(self) -> None:
        """Raise Busy unless the lease is held."""
        if self._refuse_others() is None:
            raise Busy(f"the rollout {self.rollout} has lost its turn", fix="start another one")

    def say(self, step: Step, version: str | None, summary: str, **numbers: JsonValue) -> Record:
        """Record a step with its numbers."""
        said: dict[str, JsonValue] = {
            "rollout": self.rollout,
            "step": step.value,
            "lease_seconds": self.lease.total_seconds(),
        }
        if self.hosted:
            said["hosted"] = True
        self.renewed = self.clock()
        return self.ledger.decide(
            Decision(
                time=self.renewed,
                kind=KIND,
                model=self.model,
                version=version,
                summary=summary,
                details=said | numbers,
            )
        )

    def _refuse_others(self) -> Holder | None:
        """The lease if it is held; raises Busy if another rollout holds it."""
        held = holder_of(self.ledger.decisions(), self.model, self.clock())
        if held is not None and (held.rollout, held.hosted) != (self.rollout, self.hosted):
            raise busy(self.model, held)
        return held
