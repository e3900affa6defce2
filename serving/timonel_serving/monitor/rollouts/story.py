"""Rollouts as people read them: those that are judged here, and those that the ledger's decisions tell of."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from timonel.canary import evidence_course
from timonel.canary.record.reading import KIND, LEASE_STEPS
from timonel_serving.monitor.rollouts.state import Hosted

if TYPE_CHECKING:
    from timonel.ledger import Record

RUNNING = "running"


@dataclass(frozen=True)
class Told:
    """One step."""

    at: datetime
    step: str
    said: str
    reasons: tuple[str, ...] = ()
    seq: int | None = None
    """Its place in the chain of decisions; None: it is told by this monitor alone."""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    """One rollout."""

    id: str
    model: str
    stable: str | None
    canary: str | None
    verdict: str
    final: bool
    hosted: bool
    steps: tuple[Told, ...]
    reasons: tuple[str, ...] = ()
    course: Mapping[str, Any] | None = None
    """As `evidence_course` gives it; None: no evidence was recorded."""
    decision: Mapping[str, Any] | None = None

    @property
    def opened(self) -> datetime:
        """When it began."""
        return self.steps[0].at


def of_hosted(one: Hosted) -> Story:
    """One that is judged here."""
    course = evidence_course([(p.at, p.evidence) for p in one.course])
    return Story(
        id=one.id,
        model=one.model,
        stable=one.stable,
        canary=one.canary,
        verdict=one.verdict.value,
        final=one.final,
        hosted=True,
        steps=tuple(Told(s.at, s.step.value, s.said, s.reasons) for s in one.steps),
        reasons=one.reasons,
        course=course if one.course else None,
        decision=one.decision,
    )


def recorded(model: str, records: Iterable["Record"]) -> list[Story]:
    """Those of the chain, the oldest first; `records` in its order."""
    found: dict[str, list[Told]] = {}
    for record in records:
        told = _told(record) if record.kind == KIND and record.model == model else None
        if told is not None:
            found.setdefault(str(told.details["rollout"]), []).append(told)
    stories = [_story(name, model, steps) for name, steps in found.items()]
    return [one for one in stories if one is not None]


def told_of(record: "Record") -> Told | None:
    """A step of a rollout; None for any other record."""
    return _told(record) if record.kind == KIND else None


def _story(name: str, model: str, steps: list[Told]) -> Story | None:
    shown = tuple(one for one in steps if one.step not in LEASE_STEPS)
    if not shown:
        return None
    ended, judged = _last(shown, "ended"), _last(shown, "judged")
    begun = _last(shown, "started")
    decision = judged.get("decision") or {}
    # what a monitor judged is over with the judge's last word: others act on it
    final = bool(judged.get("hosted")) and bool(decision.get("final"))
    verdict = ended.get("verdict") or (decision["verdict"] if final else RUNNING)
    return Story(
        id=name,
        model=model,
        stable=_number(begun.get("champion")),
        canary=_number(begun.get("challenger")),
        verdict=str(verdict),
        final=bool(ended) or final,
        hosted=False,
        steps=shown,
        reasons=tuple(map(str, ended.get("reasons") or ())) or _reasons(decision),
        course=judged.get("course"),
        decision=decision or None,
    )


def _last(steps: Iterable[Told], step: str) -> Mapping[str, Any]:
    return next((one.details for one in reversed(list(steps)) if one.step == step), {})


def _number(version: Any) -> str | None:
    return str(version["number"]) if isinstance(version, dict) and "number" in version else None


def _told(record: "Record") -> Told | None:
    """None for a record that somebody changed beyond reading."""
    try:
        details = json.loads(record.details)
        at = datetime.fromisoformat(record.time)
        known = isinstance(details["rollout"], str) and isinstance(details["step"], str)
    except (KeyError, TypeError, ValueError):
        return None
    if not known:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    reasons = _reasons(details.get("decision"))
    said = record.summary.partition(": ")[0] if reasons else record.summary
    return Told(at, details["step"], said, reasons, record.seq, details)


def _reasons(decision: Any) -> tuple[str, ...]:
    found = decision.get("reasons") if isinstance(decision, dict) else None
    return tuple(map(str, found)) if isinstance(found, list) else ()


def of_lease(record: "Record") -> bool:
    """Whether a record only holds the turn of a rollout."""
    told = _told(record) if record.kind == KIND else None
    return told is not None and told.step in LEASE_STEPS


def joined(hosted: Iterable[Hosted], told: Iterable[Story]) -> Iterator[Story]:
    """All of them, the newest first; what is judged here is told from here."""
    own = [of_hosted(one) for one in hosted]
    mine = {one.id for one in own}
    every = [*own, *(one for one in told if one.id not in mine)]
    yield from sorted(every, key=lambda one: one.opened, reverse=True)
