"""One rollout of a model at a time: a lease that lies in the ledger's chain of decisions.

The chain puts all records in one order, whoever writes them. So everybody who replays it finds the same
holder: the first claim while nobody held it, until that rollout ends or is silent for longer than its lease.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from timonel.errors import Busy
from timonel.ledger import Decision, Ledger, Record
from timonel_pipelines.rollout.record.reading import Step, details_of

KIND = "rollout"


@dataclass(frozen=True)
class Holder:
    """Who may change what serves a model."""

    rollout: str
    until: datetime


def holder_of(records: Iterable[Record], model: str, now: datetime) -> Holder | None:
    """Who holds the lease of a model, by its records in the order of the chain; None: nobody."""
    held: Holder | None = None
    for record in records:
        said = details_of(record) if record.kind == KIND and record.model == model else None
        if said is None:
            continue
        at = datetime.fromisoformat(record.time)
        ours = held is not None and held.rollout == said.rollout
        free = held is None or held.until <= at
        if ours or (said.step is Step.CLAIMED and free):
            until = at + timedelta(seconds=said.lease_seconds)
            held = None if said.step is Step.ENDED else Holder(said.rollout, until)
    return held if held is not None and held.until > now else None


@dataclass
class Chain:
    """What one rollout writes to the chain; each record renews its lease."""

    ledger: Ledger
    model: str
    rollout: str
    lease: timedelta
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    renewed: datetime = field(default_factory=lambda: datetime.min.replace(tzinfo=UTC))
    """When the last record was written."""

    def claim(self, version: str) -> None:
        """Take the lease, or go on holding it; raises Busy if another rollout has it."""
        self._refuse_others()
        self.say(Step.CLAIMED, version, f"rollout of version {version} asks for its turn")
        self.require()

    def hold(self) -> None:
        """Renew the lease in time; raises Busy if it went to another rollout."""
        if self.clock() - self.renewed >= self.lease / 3:
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
        if held is not None and held.rollout != self.rollout:
            raise busy(self.model, held)
        return held


def busy(model: str, held: Holder) -> Busy:
    """Why a rollout may not begin or go on."""
    return Busy(
        f"the rollout {held.rollout} of {model} is under way",
        why="two rollouts at once would each undo the other's",
        fix="let it end, go on with it (--resume), or end it (timonel rollout abort); if it is silent"
        f" until {held.until:%H:%M:%S} UTC, another one may begin",
    )
