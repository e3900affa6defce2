"""When to retrain: a policy sees the situation after each period and answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from timonel.backtest.watch import Alarm
from timonel.errors import BadInput
from timonel.performance.value import Measured


@dataclass(frozen=True)
class Situation:
    """What is known at the end of a period: nothing in it rests on a label that arrives later."""

    time: datetime
    """Now: the end of the period."""
    trained: datetime
    """When the model in service was trained."""
    metrics: Mapping[str, Measured]
    """Of the predictions whose labels arrived during the period."""
    alarms: tuple[Alarm, ...]
    """Raised in the period."""
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
    """Nothing is to be done."""


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


@dataclass(frozen=True)
class Always:
    """Retrains after each period."""

    name: str = "always"

    def decide(self, situation: Situation) -> Decision:
        """Retrain."""
        return Retrain("a period has passed")


@dataclass(frozen=True)
class Never:
    """Keeps the first model."""

    name: str = "never"

    def decide(self, situation: Situation) -> Decision:
        """Wait."""
        return Wait()


@dataclass(frozen=True)
class Monthly:
    """Retrains at the first end of a period in each calendar month (UTC)."""

    name: str = "monthly"

    def decide(self, situation: Situation) -> Decision:
        """Retrain if the model is from an earlier month."""
        now, before = situation.time, situation.trained
        if (now.year, now.month) == (before.year, before.month):
            return Wait()
        return Retrain(f"a new month: {now:%B %Y}")


POLICIES: Mapping[str, Policy] = {p.name: p for p in (Always(), Never(), Monthly())}
"""The policies that need no settings."""
GOVERNOR = "governor"
"""The policy that will weigh causes, cool-down and budget of retraining."""


def policy(name: str) -> Policy:
    """The policy of a name; raises BadInput for one that there is not."""
    if name == GOVERNOR:
        raise BadInput(
            "the policy governor is not in this version yet",
            fix=f"use one of {', '.join(POLICIES)}",
        )
    if name not in POLICIES:
        raise BadInput(
            f"there is no policy {name}, expected one of {', '.join(POLICIES)}",
            fix="use always as the upper mark, never as the lower, monthly as what is usually done",
        )
    return POLICIES[name]
