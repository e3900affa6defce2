"""Whether to go on, as Flagger's webhooks ask: a status code, and a sentence."""

from enum import StrEnum

from timonel.canary import Verdict
from timonel_serving.monitor.rollouts.state import Hosted


class Question(StrEnum):
    """What a gate is asked."""

    CONTINUE = "continue"
    """May the canary go on? Yes until it is to be rolled back, or nothing can be said."""
    PROMOTE = "promote"
    """May it have all of the traffic? Only after a promotion."""
    ROLLBACK = "rollback"
    """Must it be taken away? After a rollback, and when it has ended without a decision."""


def opens(question: Question, one: Hosted) -> bool:
    """Whether the answer is yes. What is not known opens no gate but that of the rollback."""
    verdict = one.verdict
    if question is Question.PROMOTE:
        return verdict is Verdict.PROMOTE
    if question is Question.ROLLBACK:
        return verdict is Verdict.ROLLBACK or (one.final and verdict is Verdict.INCONCLUSIVE)
    return verdict in (Verdict.CONTINUE, Verdict.PROMOTE)


def sentence(one: Hosted) -> str:
    """The verdict with its reasons."""
    return f"rollout {one.id}: {one.verdict.value}: {'; '.join(one.reasons)}"
