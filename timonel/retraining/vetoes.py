"""What a diagnosis says about retraining: broken data must be mended, not learnt."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from timonel.config import Retraining
from timonel.diagnosis import Cause, Confidence, Diagnosis, DiagnosisState, Finding
from timonel.retraining.decision import Answer
from timonel.retraining.situation import Situation
from timonel.retraining.triggers import Trigger, TriggerKind

BROKEN = {
    Cause.DATA_QUALITY: "mend the data",
    Cause.SERVING_SKEW: "mend the way from training to serving",
    Cause.INFRASTRUCTURE: "mend the service",
    Cause.LABEL_ARTEFACT: "wait for the labels, or mend them",
}
"""Causes that a retraining would learn by heart, and what to do instead."""

NOTHING_LOST = (DiagnosisState.NONE, DiagnosisState.BENIGN)

MATERIAL = 0.05
"""The share of the loss below which a fault that is not the first cause stops nothing."""

FRESH = timedelta(days=14)
"""Since the change: so long a rise of the loss that the diagnosis does not see waits for it."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Why not to retrain, and what to do instead."""

    answer: Answer
    reason: str


def objections(
    situation: Situation, asked: tuple[Trigger, ...], settings: Retraining
) -> tuple[Objection, ...]:
    """All that the diagnosis has against a retraining, the most important first."""
    diagnosis = situation.diagnosis
    if diagnosis is None:
        return ()
    causes = [*_causes(diagnosis, situation, settings)]
    # what is broken spoils the rows that any other action would be judged by
    causes.sort(key=lambda objection: objection.answer is not Answer.VETO)
    return (*causes, *_unclear(diagnosis, asked, situation, settings))


def _causes(
    diagnosis: Diagnosis, situation: Situation, settings: Retraining
) -> Iterator[Objection]:
    for i, finding in enumerate(diagnosis.findings):
        leads = i == 0 and diagnosis.cause is not None
        slight = finding.share.value is not None and finding.share.value < MATERIAL
        sure = finding.confidence is not Confidence.LOW and not slight
        if finding.cause in BROKEN and (sure or leads):
            what = f"{_named(finding)}: {BROKEN[finding.cause]}, a retraining would learn the fault"
            yield Objection(Answer.VETO, what)
        elif finding.cause is Cause.DEPLOY and leads:
            yield _deploy(finding, situation)
        elif finding.cause is Cause.PRIOR_SHIFT and leads:
            answer = Answer(settings.on_prior_shift.value)
            yield Objection(answer, f"{_named(finding)}: the ranking still holds")


def _deploy(finding: Finding, situation: Situation) -> Objection:
    if situation.previous is None:
        reason = f"{_named(finding)}, and no former version is known to go back to"
        return Objection(Answer.VETO, reason)
    return Objection(Answer.ROLL_BACK, f"{_named(finding)}: back to version {situation.previous}")


def _named(finding: Finding) -> str:
    words = finding.cause.value.replace("_", " ")
    said = f" ({finding.evidence[0].rstrip('.')})" if finding.evidence else ""
    return f"the diagnosis is {words}, {finding.scope}{said}"


def _unclear(
    diagnosis: Diagnosis, asked: tuple[Trigger, ...], situation: Situation, settings: Retraining
) -> Iterator[Objection]:
    kinds = {trigger.kind for trigger in asked}
    if diagnosis.state is DiagnosisState.UNKNOWN and not settings.retrain_unexplained:
        yield Objection(
            Answer.WAIT, "the diagnosis could not explain the loss: a person is to look first"
        )
    if kinds == {TriggerKind.ESTIMATE}:
        if diagnosis.state in NOTHING_LOST:
            yield Objection(Answer.NONE, "the diagnosis found no loss: the drift is benign")
        elif diagnosis.state is DiagnosisState.NOT_ENOUGH:
            yield Objection(
                Answer.WAIT, "an estimate fell, and too few labels have matured to tell"
            )
    unseen = diagnosis.state in (*NOTHING_LOST, DiagnosisState.NOT_ENOUGH)
    if TriggerKind.LOSS in kinds and TriggerKind.PERSON not in kinds and unseen:
        since = next(t.since for t in asked if t.kind is TriggerKind.LOSS)
        if since is not None and situation.time - since < FRESH:
            # the first rows of a data bug look like nothing: trained now, it would be learnt
            yield Objection(
                Answer.WAIT, "the loss rose, and the diagnosis has too few rows since to say why"
            )
