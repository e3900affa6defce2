"""The answer to "is the model to be trained anew"."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from timonel.retraining.triggers import Trigger
from timonel.terms import Window


class Answer(StrEnum):
    """What is to be done."""

    RETRAIN = "retrain"
    RECALIBRATE = "recalibrate"
    MOVE_THRESHOLD = "move_threshold"
    ROLL_BACK = "roll_back"
    VETO = "veto"
    """There is cause to retrain, and a reason why it would do harm."""
    WAIT = "wait"
    """There is cause to act, and it is too early."""
    NONE = "none"

    @property
    def acts(self) -> bool:
        """Whether something is to be carried out."""
        return self in (self.RETRAIN, self.RECALIBRATE, self.MOVE_THRESHOLD, self.ROLL_BACK)


@dataclass(frozen=True, slots=True)
class WindowHint:
    """Which rows to learn from."""

    window: Window
    since: datetime | None = None
    """When the change began, where that is known."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, and why."""

    answer: Answer
    reasons: tuple[str, ...]
    """Sentences, what decided first."""
    key: str
    """Of two decisions to act with the same key only one is carried out."""
    triggers: tuple[Trigger, ...] = ()
    vetoes: tuple[str, ...] = ()
    """What speaks against it; of a forced training, what was overruled."""
    missing: tuple[tuple[str, int], ...] = ()
    """Labels that a training still lacks: ("positives", 163)."""
    window: WindowHint | None = None
    """Of a retraining."""
    next_allowed: datetime | None = None
    """Of a wait for a moment: when to ask again."""

    @property
    def summary(self) -> str:
        """One sentence."""
        return f"{self.answer.value.replace('_', ' ')}: {self.reasons[0]}"

    def to_dict(self) -> dict[str, JsonValue]:
        """Plain JSON values."""
        return {
            "answer": self.answer.value,
            "reasons": list(self.reasons),
            "key": self.key,
            "triggers": [trigger.to_dict() for trigger in self.triggers],
            "vetoes": list(self.vetoes),
            "missing": dict(self.missing),
            "window": self.window.window.value if self.window else None,
            "since": _iso(self.window.since) if self.window else None,
            "next_allowed": _iso(self.next_allowed),
        }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
