"""A changed P(y | x): by another rule of the world, by wrong labels, or by a model that answers otherwise?"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.cause import Action, Cause, Confidence
from timonel.diagnosis.claim import Claim
from timonel.diagnosis.columns import LISTED
from timonel.diagnosis.finding import Scope
from timonel.diagnosis.learner import Learner, cross_fitted
from timonel.diagnosis.loss import Floats, entropy, log_loss, log_odds, logistic
from timonel.diagnosis.sample import Sample
from timonel.diagnosis.steps.noise import Noise
from timonel.diagnosis.steps.segments import worst_segment
from timonel.diagnosis.steps.shift import Split
from timonel.performance.calibration import fit_calibrator

CLEAR = 3.0
DOUBT = 1.0
"""Standard errors by which wrong labels must fit better than any curve over the score."""
LEAST_CLASS = 20
LEAST = 0.05
"""Features must win back this part of the loss beyond the expected, for a new rule of the world."""


@dataclass(frozen=True, eq=False)
class Gain:
    """What features tell of the current outcomes beyond all that the reference knew, out of sample."""

    value: Floats
    """(1 + TIMES,) nats."""
    columns: tuple[str, ...]
    z: float
    """Standard errors from 0."""
    chance: Floats
    """Of each current row, by a model of the reference that had features and score."""


def gain_of(
    sample: Sample, chances: tuple[Floats, Floats], learner: Learner, rng: np.random.Generator
) -> Gain:
    """The log-loss that boosting on features gains over boosting on the reference's answer alone.

    Labels that are wrong at random bend the answer and leave the features nothing to tell; another rule
    of the world is told by the features.
    """
    before, now, categorical = sample.codes()
    offsets = log_odds(chances[0]), log_odds(chances[1])
    known = sample.sides.reference.outcome
    chance = logistic(learner(before, categorical, known, offsets[0], rng).logit(now, offsets[1]))
    keep = sample.keep
    outcome, logit = sample.sides.current.outcome[keep], log_odds(chance[keep])
    answer, alone = _codes(logit)[:, None], np.zeros(1, dtype=np.bool_)
    fold = sample.sides.now.block[keep] % 2
    both, kinds = np.concatenate([now[keep], answer], axis=1), np.concatenate([categorical, alone])
    starts = logit, _recalibrated(logit, outcome, fold, rng)
    bent, _ = _best(learner, (answer, alone), outcome, starts, fold, rng)
    full, gain = _best(learner, (both, kinds), outcome, starts, fold, rng)
    gains = np.zeros(len(now))
    gains[keep] = bent - full
    value = sample.actual(gains)
    names = [c.name for c in sample.columns]
    top = [j for j in np.argsort(-gain[:-1])[:3] if gain[j] > 0.3 * gain[:-1].max() > 0]
    error = float(np.std(gains[keep])) / np.sqrt(max(1, keep.sum()))
    z = float(value[0]) / error if error > 0 else 0.0
    return Gain(value, tuple(names[j] for j in top), z, chance)


def _best(
    learner: Learner,
    given: tuple[NDArray[np.uint8], NDArray[np.bool_]],
    outcome: Floats,
    starts: tuple[Floats, ...],
    fold: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """The loss of each row, and the columns' gain, from the start that does better."""
    fits = [cross_fitted(learner, *given, outcome, start, fold, rng) for start in starts]
    lost = [(log_loss(outcome, logistic(logit)), gain) for logit, gain in fits]
    return min(lost, key=lambda one: float(one[0].mean()))


def _recalibrated(
    logit: Floats, outcome: Floats, fold: NDArray[np.int64], rng: np.random.Generator
) -> Floats:
    """The answer bent to the current outcomes, by a curve fitted on the other days: boosting alone would
    need many trees to take extreme answers back, and put the rest down to the features."""
    bent = logit.copy()
    for k in range(2):
        held = fold == k
        known = outcome[~held] > 0.5
        if held.any() and min(int(known.sum()), int((~known).sum())) >= LEAST_CLASS:
            fit = fit_calibrator(logistic(logit[~held]), known, rng, 1)
            bent[held] = log_odds(fit(logistic(logit[held])))
    return bent


def _codes(logit: Floats) -> NDArray[np.uint8]:
    edges = np.unique(np.quantile(logit, np.arange(1, LISTED) / LISTED)) if len(logit) else logit
    return edges.searchsorted(logit, side="right").astype(np.uint8)


def other_rule(sample: Sample, found: Split, gain: Gain, noise: Noise) -> Claim:
    """Wrong labels if they fit and features tell nothing; else another rule of the world."""
    won = gain.value[0] / max(found.concept[0], 1e-9)
    told = gain.z > CLEAR and won > LEAST
    labels = not told and noise.z > DOUBT and noise.false_positive + noise.false_negative > 0.01
    return _wrong_labels(sample, found, noise) if labels else _new_rule(sample, found, gain, told)


def _new_rule(sample: Sample, found: Split, gain: Gain, told: bool) -> Claim:
    beyond = found.beyond_now - float(np.average(found.beyond_before))
    segment = worst_segment(sample, beyond)
    evidence = [
        f"on rows that both sides have, the log-loss is {found.concept[0]:+.4g}: P(y | x) has changed",
        f"features win back {gain.value[0]:.4g} of it beyond what the reference knew"
        + (f", most by {' and '.join(gain.columns)}" if gain.columns else ""),
        *((segment.text,) if segment else ()),
    ]
    doubt = (
        "what is lost does not depend on the features in a way that was found: labels may be wrong"
    )
    return Claim(
        cause=Cause.CONCEPT_CHANGE,
        scope=Scope(gain.columns if told else (), segment=segment.name if segment else None),
        evidence=tuple(evidence),
        counter_evidence=() if told else (doubt,),
        part=found.concept,
        first_seen=sample.sides.first_seen(found.beyond_before, found.beyond_now),
        confidence=Confidence.HIGH if told else Confidence.LOW,
    )


def _wrong_labels(sample: Sample, found: Split, noise: Noise) -> Claim:
    low = sample.now <= np.quantile(sample.now, 0.2)
    outcome = sample.sides.current.outcome
    evidence = (
        f"labels fit {noise.false_positive:.1%} of the negatives and {noise.false_negative:.1%} of the"
        " positives being turned around at random",
        f"of the fifth of rows with the lowest scores {outcome[low].mean():.1%} are labelled positive,"
        f" {sample.now[low].mean():.1%} expected",
        "the features do not tell which rows are concerned",
    )
    return Claim(
        cause=Cause.LABEL_ARTEFACT,
        scope=Scope(("label",)),
        evidence=evidence,
        counter_evidence=("an event that strikes all rows alike would look the same",),
        part=found.concept,
        first_seen=sample.sides.first_seen(found.beyond_before, found.beyond_now),
        action=Action.FIX_DATA,
        confidence=Confidence.HIGH if noise.z > CLEAR else Confidence.MEDIUM,
    )


def same_world(sample: Sample, learner: Learner, rng: np.random.Generator) -> tuple[float, Floats]:
    """What a model learnt from the reference alone loses beyond the expected: its rise, and the served one's.

    If it fits the current outcomes as it fitted the reference's, the world is as it was and the answers
    are not.
    """
    before, now, categorical = sample.codes()
    outcome = sample.sides.reference.outcome
    fold = sample.sides.before.block % 2
    none = np.zeros(len(outcome))
    logits, _ = cross_fitted(learner, before, categorical, outcome, none, fold, rng)
    model = learner(before, categorical, outcome, none, rng)
    chances = logistic(logits), logistic(model.logit(now))
    rises = []
    for pair in (chances, (sample.before, sample.now)):
        lost = [
            log_loss(side.outcome, p) - entropy(p)
            for side, p in zip((sample.sides.reference, sample.sides.current), pair, strict=True)
        ]
        rises.append(sample.actual(lost[1]) - sample.expected(lost[0]))
    served = rises[1]
    return float(rises[0][0] / served[0]) if served[0] > 0 else 1.0, served - rises[0]


def other_answers(claim: Claim, part: Floats, fresh: str | None, ratio: float) -> Claim:
    """The same loss, put down to the model's answers."""
    text = (
        "a model learnt from the reference rows alone fits the current outcomes"
        f" nearly as before (it lost {max(ratio, 0):.0%} of what the served scores lost)"
    )
    if fresh is not None:
        return replace(
            claim,
            cause=Cause.DEPLOY,
            scope=Scope(version=fresh),
            evidence=(text, f"version {fresh} is new"),
            counter_evidence=("the previous version was not at hand to score the same rows",),
            part=part,
            action=Action.ROLL_BACK,
            confidence=Confidence.MEDIUM,
        )
    return replace(
        claim,
        cause=Cause.SERVING_SKEW,
        scope=Scope(("score",)),
        evidence=(text, "the version is the same"),
        counter_evidence=("the registered model was not at hand to score the same rows",),
        part=part,
        action=Action.FIX_SERVING,
        confidence=Confidence.MEDIUM,
    )
