"""One rollout on its way: what it works with, how far it is, and the ways in which that changes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from timonel.canary import CanaryPlan, Verdict
from timonel.canary.record.chain import Chain
from timonel.canary.record.reading import Step
from timonel.ledger import Record
from timonel_pipelines.rollout.behaviour.behaviour import Behaviour
from timonel_pipelines.rollout.evidence.counts import Counts
from timonel_pipelines.rollout.evidence.values import Values
from timonel_pipelines.rollout.promotion.registry import Registry
from timonel_pipelines.rollout.record.state import Phase, Store
from timonel_pipelines.rollout.route.stand import Stand

Tell = Callable[[str, str], None]


@dataclass(frozen=True)
class Parts:
    """All that a rollout works with."""

    plan: CanaryPlan
    counts: Counts
    chain: Chain
    stand: Stand
    registry: Registry
    lag: timedelta
    """How long after a change of the weights requests of before may still be counted."""
    approval_within: timedelta | None
    """None: nobody has to approve."""
    hold: timedelta
    """How long a predecessor stays warm after an immediate change."""
    lasting: bool
    """Whether an entity stays with its version when the weight changes."""
    values: Values | None = None
    """Business figures; None: the plan asks for none."""
    behaviour: Behaviour | None = None
    """None: the plan asks nothing of logged rows."""


class Drive:
    """What the steps of a rollout share. Each change of the state is on the disk before anything is done."""

    def __init__(self, store: Store, parts: Parts, tell: Tell) -> None:
        self.store, self.parts, self.tell = store, parts, tell
        self.state = store.load()

    def keep(self, **changed: Any) -> None:
        """Change the state."""
        self.state = self.store.save(self.state.model_copy(update=changed))

    def say(self, step: Step, summary: str, **numbers: Any) -> Record:
        """Record a step in the chain of decisions."""
        return self.parts.chain.say(step, self.state.challenger.number, summary, **numbers)

    def give_up(self, verdict: Verdict, reason: str, *, hands_off: bool = False) -> None:
        """Withdraw next, or go back after an immediate change; `hands_off` leaves the weights as they are."""
        back = self.state.phase in (Phase.HOLDING, Phase.RETURNING) and not hands_off
        phase = Phase.RETURNING if back else Phase.WITHDRAWING
        self.tell(verdict.value, reason)
        self.keep(phase=phase, verdict=verdict, reasons=(reason,), hands_off=hands_off)

    def end(self, summary: str) -> None:
        """Nothing more is done."""
        verdict, reasons = self.state.verdict.value, list(self.state.reasons)
        self.say(Step.ENDED, summary, verdict=verdict, reasons=reasons)
        self.keep(phase=Phase.ENDED)
        self.tell("end", summary)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
