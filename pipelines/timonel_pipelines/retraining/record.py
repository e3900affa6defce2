"""The chain of a retraining in the ledger: diagnosis, decision, and what became of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from timonel.canary.record.lease import holder_of
from timonel.canary.record.reading import KIND as ROLLOUT
from timonel.canary.record.reading import Step as RolloutStep
from timonel.canary.record.reading import details_of, numbers_of
from timonel.diagnosis import Diagnosis
from timonel.errors import Busy
from timonel.ledger import Decision as Entry
from timonel.ledger import Ledger, Record
from timonel.retraining import Answer, Attempt, Decision, Outcome

KIND, DIAGNOSIS = "retraining", "diagnosis"
ABANDONED = timedelta(days=1)
"""After such a time without an end a training counts as failed: its process is gone."""


class Step(StrEnum):
    """What was done."""

    DECIDED = "decided"
    STARTED = "started"
    ENDED = "ended"


class Details(BaseModel):
    """What every record of a retraining says."""

    model_config = ConfigDict(frozen=True, extra="allow")

    step: Step
    key: str
    answer: Answer
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Chain:
    """What one decision writes."""

    ledger: Ledger
    model: str
    version: str
    """In service when it was decided."""
    now: datetime

    def diagnosed(self, diagnosis: Diagnosis) -> Record:
        """Record a diagnosis."""
        cause = diagnosis.cause
        named = cause.value.replace("_", " ") if cause else diagnosis.state.value
        return self._write(DIAGNOSIS, f"the diagnosis is {named}", diagnosis.to_dict())

    def decided(self, decision: Decision, diagnosis: Record | None) -> Record:
        """Record a decision, linked to the diagnosis that it rests on."""
        link = {"seq": diagnosis.seq, "hash": diagnosis.hash} if diagnosis else None
        said = self._said(Step.DECIDED, decision) | {"diagnosis": link}
        return self._write(KIND, decision.summary, said | {"decision": decision.to_dict()})

    def started(self, decision: Decision, decided: Record) -> Record:
        """Take the turn to carry a decision out; raises Busy if somebody else took it."""
        said = self._said(Step.STARTED, decision) | {"decision": decided.hash}
        mine = self._write(KIND, f"{decision.answer.value.replace('_', ' ')} started", said)
        first = next(
            r
            for r, details in _own(self.ledger.decisions(), self.model)
            if details.step is Step.STARTED and details.key == decision.key
        )
        if first.seq != mine.seq:
            raise Busy(
                f"the same decision (key {decision.key}) is carried out since {first.time}",
                fix="wait for it to end",
            )
        return mine

    def ended(
        self, decision: Decision, outcome: Outcome, summary: str, **facts: JsonValue
    ) -> Record:
        """Record what became of it."""
        said = self._said(Step.ENDED, decision) | {"outcome": outcome.value} | facts
        return self._write(KIND, summary, said)

    def _said(self, step: Step, decision: Decision) -> dict[str, Any]:
        return {"step": step.value, "key": decision.key, "answer": decision.answer.value}

    def _write(self, kind: str, summary: str, details: dict[str, Any]) -> Record:
        entry = Entry(
            time=self.now,
            kind=kind,
            model=self.model,
            version=self.version,
            summary=summary,
            details=details,
        )
        return self.ledger.decide(entry)


def attempts(records: Iterable[Record], model: str, now: datetime) -> tuple[Attempt, ...]:
    """The trainings that the chain tells of, and a rollout that is under way; the oldest first."""
    known = [*records]
    own = [*_own(known, model)]
    ends = {details.key: details for _, details in own if details.step is Step.ENDED}
    rolled_back = set(_rolled_back(known, model))
    found = [
        Attempt(at, _outcome(ends.get(details.key), at, now, rolled_back))
        for record, details in own
        if details.step is Step.STARTED
        and details.answer is not Answer.ROLL_BACK
        and (at := datetime.fromisoformat(record.time))
    ]
    if holder_of(known, model, now) is not None:
        found.append(Attempt(now, Outcome.RUNNING))
    return tuple(found)


def last(records: Iterable[Record], model: str) -> Details | None:
    """The newest decision about a model."""
    own = [details for _, details in _own(records, model) if details.step is Step.DECIDED]
    return own[-1] if own else None


def _outcome(
    end: Details | None, started: datetime, now: datetime, rolled_back: set[str]
) -> Outcome:
    if end is None:
        return Outcome.FAILED if now - started > ABANDONED else Outcome.RUNNING
    if str((end.model_extra or {}).get("version")) in rolled_back:
        return Outcome.FAILED
    return end.outcome or Outcome.FAILED


def _own(records: Iterable[Record], model: str) -> Iterator[tuple[Record, Details]]:
    for record in records:
        if record.kind == KIND and record.model == model:
            try:
                yield record, Details.model_validate_json(record.details)
            except ValidationError:  # somebody changed it: `timonel ledger verify` says so
                continue


def _rolled_back(records: Iterable[Record], model: str) -> Iterator[str]:
    """Versions whose rollout ended with a rollback."""
    for record in records:
        said = details_of(record) if record.kind == ROLLOUT and record.model == model else None
        ended = said is not None and said.step is RolloutStep.ENDED
        if ended and numbers_of(record).get("verdict") == "rollback" and record.version:
            yield record.version
