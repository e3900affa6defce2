"""The policies that there are, by name."""

from collections.abc import Mapping
from dataclasses import dataclass

from timonel.backtest.governed import Governed
from timonel.backtest.policy import Decision, Policy, Retrain, Situation, Wait
from timonel.config import Retraining
from timonel.errors import BadInput


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


@dataclass(frozen=True)
class DriftOnly:
    """Retrains whenever the inputs have drifted, as many systems do: the mark to beat."""

    name: str = "drift-only"

    def decide(self, situation: Situation) -> Decision:
        """Retrain on an alarm of the inputs."""
        drift = next((alarm for alarm in situation.alarms if alarm.kind == "input drift"), None)
        return Wait() if drift is None else Retrain(drift.what)


SIMPLE: Mapping[str, Policy] = {p.name: p for p in (Always(), Never(), Monthly(), DriftOnly())}
"""The policies that need no settings."""


def policy(name: str, settings: Retraining | None = None) -> Policy:
    """A policy for one backtest, by its name; raises BadInput for one that there is not."""
    if name == Governed.name:
        return Governed(settings or Retraining())
    if name not in SIMPLE:
        raise BadInput(
            f"there is no policy {name}, expected one of {', '.join((Governed.name, *SIMPLE))}",
            fix="use always as the upper mark, never as the lower, monthly as what is usually done",
        )
    return SIMPLE[name]
