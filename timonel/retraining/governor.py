"""The governor: one pure decision from the evidence, the diagnosis, the labels and the pace."""

import hashlib
from dataclasses import replace

from timonel.config import Retraining
from timonel.diagnosis import Cause
from timonel.retraining.decision import Answer, Decision, WindowHint
from timonel.retraining.pace import Hold, too_early, too_young, under_way
from timonel.retraining.situation import Labels, Situation
from timonel.retraining.triggers import Trigger, triggers
from timonel.retraining.vetoes import Objection, objections
from timonel.terms import Window

LEAST_RECENT = 100
"""Matured labels of each kind since the change that a recalibration needs: half fit, half judge."""


def decide(situation: Situation, settings: Retraining) -> Decision:
    """Whether to train anew, and what else to do or to wait for.

    In this order: what runs is let finish; a person who forces it has the last word; a diagnosis of
    broken data vetoes, one of a bad deploy rolls back, one of a prior shift recalibrates; without a
    trigger nothing is done; too few matured labels wait; then the cool-down and the budget.
    """
    asked = triggers(situation, settings)
    against = objections(situation, asked, settings)
    return replace(
        _decided(situation, settings, asked, against),
        triggers=asked,
        vetoes=tuple(o.reason for o in against if o.answer is not Answer.NONE),
    )


def _decided(
    situation: Situation,
    settings: Retraining,
    asked: tuple[Trigger, ...],
    against: tuple[Objection, ...],
) -> Decision:
    instead = next(iter(against), None)
    if not asked and (instead is None or not instead.answer.acts):
        return _answer(situation, Answer.NONE, "nothing asks for a retraining")
    if hold := under_way(situation):
        return _wait(situation, hold)
    if situation.forced:
        return _retrain(situation, settings, asked)
    if instead is not None:
        return _instead(situation, settings, instead)
    if missing := _missing(situation, settings):
        return replace(_answer(situation, Answer.WAIT, _short(missing)), missing=missing)
    training = _retrain(situation, settings, asked)
    if hold := too_early(situation, settings) or too_young(situation, training.window):
        return _wait(situation, hold)
    return training


def _instead(situation: Situation, settings: Retraining, objection: Objection) -> Decision:
    """What the diagnosis asks for; a new version of the scores keeps the pace of trainings."""
    makes = objection.answer in (Answer.RECALIBRATE, Answer.MOVE_THRESHOLD)
    recent = situation.recent
    if makes and recent and (missing := _lacking(recent, LEAST_RECENT, LEAST_RECENT)):
        return replace(_answer(situation, Answer.WAIT, _short(missing)), missing=missing)
    if makes and (hold := too_early(situation, settings)):
        return _wait(situation, hold)
    return _answer(situation, objection.answer, objection.reason)


def _retrain(situation: Situation, settings: Retraining, asked: tuple[Trigger, ...]) -> Decision:
    reasons = tuple(trigger.what for trigger in asked)
    decision = _answer(situation, Answer.RETRAIN, *reasons)
    return replace(decision, window=_window(situation, settings, asked))


def _wait(situation: Situation, hold: Hold) -> Decision:
    return replace(_answer(situation, Answer.WAIT, hold.reason), next_allowed=hold.until)


def _answer(situation: Situation, answer: Answer, *reasons: str) -> Decision:
    return Decision(answer, reasons, _key(situation, answer))


def _key(situation: Situation, answer: Answer) -> str:
    """The same for all who decide the same about the same version after as many attempts."""
    parts = (situation.model, situation.version, situation.trained.isoformat())
    text = "\n".join(map(str, (*parts, len(situation.attempts), answer.value)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _missing(situation: Situation, settings: Retraining) -> tuple[tuple[str, int], ...]:
    labels = situation.recent or situation.labels
    return _lacking(labels, settings.min_positives, settings.min_negatives)


def _lacking(labels: Labels, positives: int, negatives: int) -> tuple[tuple[str, int], ...]:
    wanted = (
        ("positives", positives - labels.positives),
        ("negatives", negatives - labels.negatives),
    )
    return tuple((name, lacking) for name, lacking in wanted if lacking > 0)


def _short(missing: tuple[tuple[str, int], ...]) -> str:
    counts = " and ".join(f"{lacking:,} new matured {name}" for name, lacking in missing)
    return f"{counts} are missing"


def _window(situation: Situation, settings: Retraining, asked: tuple[Trigger, ...]) -> WindowHint:
    """As set; a concept change is learnt from the rows after it, where nothing else is set."""
    diagnosis = situation.diagnosis
    since = diagnosis.onset if diagnosis else None
    since = since or next((t.since for t in asked if t.since), None)
    concept = diagnosis is not None and diagnosis.cause is Cause.CONCEPT_CHANGE
    if settings.window is Window.CHOOSE and concept and since is not None:
        return WindowHint(Window.RECENT, since)
    return WindowHint(settings.window, since)
