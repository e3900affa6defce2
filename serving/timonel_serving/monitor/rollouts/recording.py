"""The steps of rollouts that are judged here, as records in the ledger's chain of decisions."""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from timonel.canary.record.reading import KIND, LEASE_STEPS, details_of
from timonel_serving.monitor.rollouts.state import Happened, Hosted, Kind
from timonel_serving.monitor.rollouts.story import of_hosted

if TYPE_CHECKING:
    from timonel.ledger import Decision, Ledger
    from timonel_serving.monitor.rollouts.hosting import Rollouts


def record(rollouts: "Rollouts", ledger: "Ledger", *, afresh: bool) -> None:
    """Bring what is new; `afresh`: the last attempt may have arrived, so the ledger is asked how far."""
    with rollouts.recording:
        waiting = rollouts.unrecorded
        known = _counted(ledger) if waiting and afresh else Counter()
        for one in waiting:
            done = max(one.recorded, known[one.model, one.id])
            for number, happened in enumerate(one.steps[done:], start=done + 1):
                ledger.decide(_decision(one, happened, rollouts.lease))
                rollouts.note_recorded(one.id, number)
            rollouts.note_recorded(one.id, len(one.steps))


def _counted(ledger: "Ledger") -> Counter[tuple[str | None, str]]:
    """The steps of each hosted rollout that are in the chain, by model and id."""
    told = ((one.model, details_of(one)) for one in ledger.decisions() if one.kind == KIND)
    return Counter(
        (model, said.rollout)
        for model, said in told
        if said is not None and said.hosted and said.step not in LEASE_STEPS
    )


def _decision(one: Hosted, happened: Happened, lease: timedelta) -> "Decision":
    from timonel.ledger import Decision

    said = "; ".join(happened.reasons)
    over = one.final and happened is one.steps[-1]
    details: dict[str, Any] = {
        "rollout": one.id,
        "step": happened.step.value,
        # its last word gives the lease up
        "lease_seconds": 0.0 if over else lease.total_seconds(),
        "hosted": True,
    }
    return Decision(
        time=happened.at,
        kind=KIND,
        model=one.model,
        version=one.canary,
        summary=f"{happened.said}: {said}" if said else happened.said,
        details=details | _numbers(one, happened),
    )


def _numbers(one: Hosted, happened: Happened) -> dict[str, Any]:
    """What a step is bound to; the judge's last word holds the evidence and its course."""
    if happened.step is Kind.STARTED:
        return {"champion": {"number": one.stable}, "challenger": {"number": one.canary}}
    if happened.step is Kind.ENDED:
        return {"verdict": one.verdict.value, "reasons": list(one.reasons)}
    if happened.step is Kind.JUDGED and one.final and happened is one.steps[-1]:
        return {"decision": one.decision, "course": of_hosted(one).course}
    return {}
