"""The steps of rollouts that are judged here, as records in the ledger's chain of decisions."""

import json
from typing import TYPE_CHECKING, Any

from timonel_serving.monitor.rollouts.hosting import Rollouts
from timonel_serving.monitor.rollouts.state import Happened, Hosted, Kind
from timonel_serving.monitor.rollouts.story import KIND, of_hosted

if TYPE_CHECKING:
    from timonel.ledger import Decision, Ledger


def record(rollouts: Rollouts, ledger: "Ledger", *, afresh: bool) -> None:
    """Bring what is new; `afresh`: the last attempt may have arrived, so the ledger is asked how far."""
    waiting = rollouts.unrecorded
    known = _counted(ledger) if waiting and afresh else {}
    for one in waiting:
        done = max(one.recorded, known.get(one.id, 0))
        for number, happened in enumerate(one.steps[done:], start=done + 1):
            ledger.decide(_decision(one, happened))
            rollouts.note_recorded(one.id, number)
        rollouts.note_recorded(one.id, len(one.steps))


def _counted(ledger: "Ledger") -> dict[str, int]:
    """The steps of each hosted rollout that are in the chain."""
    found: dict[str, int] = {}
    for one in ledger.decisions():
        if one.kind != KIND:
            continue
        try:
            details = json.loads(one.details)
        except ValueError:
            continue
        if isinstance(details, dict) and details.get("hosted"):
            name = str(details.get("rollout"))
            found[name] = found.get(name, 0) + 1
    return found


def _decision(one: Hosted, happened: Happened) -> "Decision":
    from timonel.ledger import Decision

    said = "; ".join(happened.reasons)
    details: dict[str, Any] = {
        "rollout": one.id,
        "step": happened.step.value,
        "lease_seconds": 0.0,
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
