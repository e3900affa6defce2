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

CLEAR = 3.0
LEAST = 0.1
"""Features must win back this part of the loss beyond the expected, for a new rule of the world."""


@dataclass(frozen=True, eq=False)
class Gain:
    """What features tell of outcomes beyond the score, out of sample: current less reference."""

    value: Floats
    """(1 + TIMES,) nats."""
    columns: tuple[str, ...]
    z: float
    """Standard errors from 0."""


def gain_of(
    sample: Sample, chances: tuple[Floats, Floats], learner: Learner, rng: np.random.Generator
) -> Gain:
    """The log-loss that boosting on features and score gains over boosting on the score alone."""
    before, now, categorical = sample.codes()
    every = np.ones(len(before), dtype=np.bool_)
    outcomes = sample.sides.reference.outcome, sample.sides.current.outcome
    blocks = sample.sides.before.block, sample.sides.now.block
    sides = zip((before, now), chances, outcomes, blocks, (every, sample.keep), strict=True)
    gains, parts = [], []
    for codes, chance, outcome, block, keep in sides:
        gain, of_column = _gain(
            codes[keep], chance[keep], outcome[keep], block[keep], (categorical, learner, rng)
        )
        full = np.zeros(len(codes))
        full[keep] = gain
        gains.append(full)
        parts.append(of_column)
    value = sample.actual(gains[1]) - sample.expected(gains[0])
    more = np.maximum(parts[1] - parts[0], 0)
    names = [c.name for c in sample.columns]
    top = [names[j] for j in np.argsort(-more)[:3] if more[j] > 0.3 * more.max() > 0]
    return Gain(value, tuple(top), sample.sure(gains[0], gains[1], value))


def _gain(
    codes: NDArray[np.uint8],
    chance: Floats,
    outcome: Floats,
    block: NDArray[np.int64],
    by: tuple[NDArray[np.bool_], Learner, np.random.Generator],
) -> tuple[Floats, Floats]:
    categorical, learner, rng = by
    offset = log_odds(chance)
    score = _score_codes(offset)[:, None]
    fold = block % 2
    one = np.zeros(1, dtype=np.bool_)
    alone, _ = cross_fitted(learner, score, one, outcome, offset, fold, rng)
    both = np.concatenate([codes, score], axis=1)
    kinds = np.concatenate([categorical, one])
    full, gain = cross_fitted(learner, both, kinds, outcome, offset, fold, rng)
    lost = [log_loss(outcome, logistic(logit)) for logit in (alone, full)]
    return lost[0] - lost[1], gain[:-1]


def _score_codes(logit: Floats) -> NDArray[np.uint8]:
    edges = np.unique(np.quantile(logit, np.arange(1, LISTED) / LISTED)) if len(logit) else logit
    return edges.searchsorted(logit, side="right").astype(np.uint8)


def other_rule(sample: Sample, found: Split, gain: Gain, noise: Noise) -> Claim:
    """Wrong labels if they fit and features tell nothing; else another rule of the world."""
    won = gain.value[0] / max(found.concept[0], 1e-9)
    told = gain.z > CLEAR and won > LEAST
    labels = not told and noise.z > 1.0 and noise.false_positive + noise.false_negative > 0.01
    return _wrong_labels(sample, found, noise) if labels else _new_rule(sample, found, gain, told)


def _new_rule(sample: Sample, found: Split, gain: Gain, told: bool) -> Claim:
    beyond = found.beyond_now - float(np.average(found.beyond_before))
    segment = worst_segment(sample, beyond)
    evidence = [
        f"on rows that both sides have, the log-loss is {found.concept[0]:+.4g}: P(y | x) has changed",
        f"features win back {gain.value[0]:.4g} of it beyond what the scores tell"
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
