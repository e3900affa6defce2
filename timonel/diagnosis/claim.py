"""What one step of the plan says, before all are ranked against each other."""

from dataclasses import dataclass, field
from datetime import datetime

from timonel.diagnosis.cause import DEFAULT_ACTION, RUNBOOKS, Action, Cause, Confidence
from timonel.diagnosis.finding import Finding, Scope
from timonel.diagnosis.loss import Floats
from timonel.diagnosis.resampling import share_of
from timonel.performance.value import Measured, State


@dataclass(frozen=True, eq=False, kw_only=True)
class Claim:
    """A cause, and the part of the change in loss that is claimed for it."""

    cause: Cause
    scope: Scope = field(default_factory=Scope)
    evidence: tuple[str, ...]
    counter_evidence: tuple[str, ...] = ()
    part: Floats | None = None
    """(1 + TIMES,) nats; None: it costs no loss, or labels do not say."""
    first_seen: datetime | None = None
    action: Action | None = None
    """None: the usual one."""
    confidence: Confidence = Confidence.HIGH

    def finding(self, change: Floats | None, n: int) -> Finding:
        """As the user gets it; `change` is None where the loss has not changed."""
        share = Measured.absent(State.UNDEFINED if n else State.NO_DATA, n)
        if self.part is not None and change is not None:
            share = share_of(self.part, change, n)
        return Finding(
            cause=self.cause,
            scope=self.scope,
            share=share,
            evidence=self.evidence,
            counter_evidence=self.counter_evidence,
            first_seen=self.first_seen,
            action=self.action or DEFAULT_ACTION[self.cause],
            runbook=RUNBOOKS[self.cause],
            confidence=self.confidence,
        )
