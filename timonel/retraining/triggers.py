"""What may start a retraining. Drift alone does not: it opens an investigation."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from timonel.config import Retraining
from timonel.durations import format_duration
from timonel.retraining.situation import Situation


class TriggerKind(StrEnum):
    """Who or what asks for a retraining."""

    LOSS = "loss"
    ESTIMATE = "estimate"
    AGE = "age"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A cause to retrain."""

    kind: TriggerKind
    what: str
    since: datetime | None = None

    def to_dict(self) -> dict[str, JsonValue]:
        """Plain JSON values."""
        since = self.since.isoformat() if self.since else None
        return {"kind": self.kind.value, "what": self.what, "since": since}


def triggers(situation: Situation, settings: Retraining) -> tuple[Trigger, ...]:
    """All that ask for a retraining now, the surest first."""
    found = (_person(situation), _loss(situation), _estimate(situation), _age(situation, settings))
    return tuple(trigger for trigger in found if trigger is not None)


def _person(situation: Situation) -> Trigger | None:
    request = situation.request
    if request is None:
        return None
    said = f": {request.reason}" if request.reason else ""
    return Trigger(TriggerKind.PERSON, f"a person asks for it{said}")


def _loss(situation: Situation) -> Trigger | None:
    loss = situation.loss
    return None if loss is None else Trigger(TriggerKind.LOSS, loss.what, loss.since)


def _estimate(situation: Situation) -> Trigger | None:
    """An estimate follows the inputs: without a material drift of them its fall is its own error."""
    estimate, drift = situation.estimate, situation.drift
    if estimate is None or drift is None:
        return None
    return Trigger(TriggerKind.ESTIMATE, f"{estimate.what}; {drift.what}", drift.since)


def _age(situation: Situation, settings: Retraining) -> Trigger | None:
    most = settings.max_age
    if most is None or situation.age < most:
        return None
    what = f"the model is {situation.age.days} days old, {format_duration(most)} at most"
    return Trigger(TriggerKind.AGE, what, situation.trained + most)
