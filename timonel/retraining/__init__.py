"""Retraining: whether to train anew, and if not, what else to do and when to ask again.

    decision = decide(situation, settings)
    decision.answer, decision.reasons, decision.missing, decision.next_allowed

Pure: whoever asks brings the evidence, the diagnosis and the history, and carries the answer out.
"""

from timonel.retraining.decision import Answer, Decision, WindowHint
from timonel.retraining.governor import decide
from timonel.retraining.situation import (
    Attempt,
    Evidence,
    Labels,
    Outcome,
    Request,
    Situation,
)
from timonel.retraining.triggers import Trigger, TriggerKind

__all__ = [
    "Answer",
    "Attempt",
    "Decision",
    "Evidence",
    "Labels",
    "Outcome",
    "Request",
    "Situation",
    "Trigger",
    "TriggerKind",
    "WindowHint",
    "decide",
]
