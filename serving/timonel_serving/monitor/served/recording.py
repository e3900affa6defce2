"""Changes of what serves, as records in the ledger's chain of decisions."""

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from timonel_serving.monitor.served.changes import Seen, summary
from timonel_serving.monitor.served.file import Serving
from timonel_serving.monitor.served.watching import Served

if TYPE_CHECKING:
    from timonel.ledger import Decision, Ledger, Record

KIND = "served"
"""Of a record in the chain of decisions."""


def record_served(served: Served, model: str, ledger: "Ledger") -> None:
    """Bring what is new. The chain is asked what it has: a restart, and one that forgot, repeat nothing."""
    waiting = served.unrecorded
    if not waiting:
        return
    chain = recorded(ledger.decisions(), model)
    for one in waiting:
        if (chain and chain[-1].what == one.what) or one in chain:
            continue
        ledger.decide(_decision(model, chain, one))
        chain.append(one)
    served.note_recorded(tuple(chain), waiting)


def recorded(records: "list[Record]", model: str) -> list[Seen]:
    """What the chain tells of a model, the oldest first; records beyond reading are left out."""
    ours = (one for one in records if one.kind == KIND and one.model == model)
    return [found for one in ours if (found := _seen(one)) is not None]


def _seen(record: "Record") -> Seen | None:
    try:
        said: Any = json.loads(record.details)
        return Seen(at=record.time, what=said["serving"])
    except (ValueError, TypeError, KeyError, ValidationError):
        return None


def _decision(model: str, before: list[Seen], one: Seen) -> "Decision":
    from timonel.ledger import Decision

    details: dict[str, Any] = {"serving": one.what.model_dump(mode="json")}
    details["before"] = _version(before[-1].what) if before else None
    return Decision(
        time=one.at,
        kind=KIND,
        model=model,
        version=one.what.stable,
        summary=summary(before, one.what),
        details=details,
    )


def _version(what: Serving) -> dict[str, Any]:
    return what.model_dump(mode="json", include={"stable", "canary", "weight", "revision"})
