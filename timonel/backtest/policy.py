"""What a policy of retraining sees after each period, and what it can answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from timonel.backtest.watch import Alarm
from timonel.performance.value import Measured
from timonel.retraining.loss import Errors


@dataclass(frozen=True)
class Situation:
    """What is known at the end of a period: nothing in it rests on a label that arrives later."""

    time: datetime
    """Now: the end of the period."""
    trained: datetime
    """When the model in service was trained."""
    delay: timedelta
    """How long after its row a label arrives."""
    metrics: Mapping[str, Measured]
    """Of the predictions whose labels arrived during the period."""
    alarms: tuple[Alarm, ...]
    """Raised in the period."""
    usual: Errors | None
    """Of the model in service, on the newest rows of its training, to which it was not fitted."""
    new_labels: int
    """Labels that arrived since the training."""
    new_rarest: int
    """Of the class that is rarest among them, a class without any counting 0."""

    @property
    def age(self) -> timedelta:
        """Time since the training."""
        return self.time - self.trained


@dataclass(frozen=True)
class Wait:
    """Nothing is to be done now."""

    reason: str = ""
    """Of a policy that would retrain and may not yet; empty where nothing asks for it."""


@dataclass(frozen=True)
class Retrain:
    """A new model is to be trained."""

    reason: str


@dataclass(frozen=True)
class Veto:
    """There is cause to retrain, and a reason why it would do harm."""

    reason: str


Decision = Wait | Retrain | Veto


class Policy(Protocol):
    """Decides after each period; one object plays one backtest, and may remember."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    def decide(self, situation: Situation) -> Decision:
        """What to do now."""
        ...
