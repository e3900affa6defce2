"""The records of the ledger that belong to one decision."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from timonel.diagnosis.record import KIND as DIAGNOSIS
from timonel.errors import BadInput
from timonel.ledger import Record
from timonel_pipelines.retraining.record import KIND, Step

LEAST_DIGITS = 6


@dataclass(frozen=True)
class Told:
    """A record with its details as an object."""

    record: Record
    details: dict[str, Any]


@dataclass(frozen=True)
class Story:
    """All that the chain tells of a decision."""

    decided: Told
    started: Told | None
    ended: Told | None

    @property
    def answer(self) -> str:
        """What was decided."""
        return str(self.decided.details.get("answer"))

    def fact(self, name: str) -> Any:
        """What the end says; None if it has not ended or says nothing of it."""
        return None if self.ended is None else self.ended.details.get(name)


def find(records: Sequence[Record], name: str, model: str) -> Story:
    """The decision that a record belongs to: given by number, or by the first digits of its hash."""
    own = [_told(one) for one in records if one.model == model]
    asked = _named(own, name)
    decided = _decided(own, asked)
    if decided is None:
        raise BadInput(
            f"record {asked.record.seq} ({asked.record.kind}) belongs to no decision to retrain",
            fix="timonel ledger log --kind retraining lists them",
        )
    later = [one for one in own if one.record.seq > decided.record.seq and _same(one, decided)]
    # the same may be decided again before it is carried out: what was started names its decision
    started = _first(later, Step.STARTED, decided.record.hash)
    ended = _first(later, Step.ENDED) if started is not None else None
    return Story(decided, started, ended)


def _named(own: list[Told], name: str) -> Told:
    by_number = [one for one in own if str(one.record.seq) == name]
    long = len(name) >= LEAST_DIGITS
    by_hash = [one for one in own if long and one.record.hash.startswith(name.lower())]
    found = by_number or by_hash
    if len(found) != 1:
        what = "no record" if not found else f"{len(found)} records"
        raise BadInput(
            f"{what} of the ledger has the number or hash {name!r}",
            fix=f"give its number, or {LEAST_DIGITS} digits of its hash: timonel ledger log",
        )
    return found[0]


def _decided(own: list[Told], asked: Told) -> Told | None:
    """The decision itself, or that which a diagnosis led to, a step carries out, a rollout releases."""
    decisions = [one for one in own if _is(one, Step.DECIDED)]
    if asked.record.kind == DIAGNOSIS:
        linked = (one for one in decisions if _link(one).get("hash") == asked.record.hash)
        return next(linked, None)
    if asked.record.kind == KIND:
        before = [one for one in decisions if one.record.seq <= asked.record.seq]
        return next((one for one in reversed(before) if _same(one, asked)), None)
    ends = [one for one in own if _is(one, Step.ENDED) and one.record.seq < asked.record.seq]
    made = [
        e for e in ends if asked.record.version and e.details.get("version") == asked.record.version
    ]
    return _decided(own, made[-1]) if made else None


def _first(told: list[Told], step: Step, decision: str | None = None) -> Told | None:
    return next(
        (one for one in told if _is(one, step) and decision in (None, one.details.get("decision"))),
        None,
    )


def _link(one: Told) -> dict[str, Any]:
    link = one.details.get("diagnosis")
    return link if isinstance(link, dict) else {}


def _is(one: Told, step: Step) -> bool:
    return one.record.kind == KIND and one.details.get("step") == step.value


def _same(one: Told, other: Told) -> bool:
    return one.record.kind == KIND and one.details.get("key") == other.details.get("key")


def _told(record: Record) -> Told:
    try:
        details = json.loads(record.details)
    except ValueError:  # somebody changed it: the ledger's link says so
        details = {}
    return Told(record, details if isinstance(details, dict) else {})
