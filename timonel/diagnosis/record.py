"""Diagnoses in the ledger's chain of decisions: written once, and read again whoever wrote them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from timonel.diagnosis.finding import Diagnosis
from timonel.ledger import Decision, Ledger, Record

KIND = "diagnosis"
_READER = TypeAdapter(Diagnosis)


@dataclass(frozen=True)
class Told:
    """A diagnosis that was recorded, and its place in the chain."""

    record: Record
    diagnosis: Diagnosis


def summary(found: Diagnosis) -> str:
    """One sentence for the timeline."""
    named = found.cause.value if found.cause else found.state.value
    return f"the diagnosis is {named.replace('_', ' ')}"


def record(
    ledger: Ledger, model: str, version: str | None, at: datetime, found: Diagnosis
) -> Record:
    """Write a diagnosis to the chain; one that says what the last one said is not written again."""
    last = newest(ledger.decisions(), model)
    if last is not None and _said(last.diagnosis) == _said(found):
        return last.record
    return ledger.decide(
        Decision(
            time=at,
            kind=KIND,
            model=model,
            version=version,
            summary=summary(found),
            details=found.to_dict(),
        )
    )


def newest(records: Iterable[Record], model: str) -> Told | None:
    """The last one about a model that can be read; one that somebody changed `ledger verify` names."""
    own = [one for one in records if one.kind == KIND and one.model == model]
    told = (read(one) for one in sorted(own, key=lambda one: -one.seq))
    return next((one for one in told if one is not None), None)


def read(entry: Record) -> Told | None:
    """The diagnosis of a record; None if its details are none."""
    try:
        return Told(entry, _READER.validate_json(entry.details))
    except ValidationError:
        return None


def _said(found: Diagnosis) -> dict[str, Any]:
    """All that it says but how long it took."""
    return found.to_dict() | {"seconds": None}
