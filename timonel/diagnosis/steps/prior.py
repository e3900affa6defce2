"""Did the share of positives change, and each class stay as it was (P(y) changes, P(x | y) holds)?"""

from dataclasses import dataclass, replace

import numpy as np

from timonel.diagnosis.cause import Action, Cause, Confidence
from timonel.diagnosis.claim import Claim
from timonel.diagnosis.finding import Scope
from timonel.diagnosis.loss import Floats, log_loss, log_odds, logistic, shifted
from timonel.diagnosis.resampling import measured
from timonel.diagnosis.sample import Sample
from timonel.diagnosis.steps.domain import Domain
from timonel.diagnosis.steps.noise import noise_of
from timonel.performance.value import Measured, State

LEAST = 0.01
LEAST_RATIO = 0.15
"""The share of positives moved by this part of itself or of its complement."""
CLEAR = 4.0
HALF = 0.5
NO_ANSWER = Measured.absent(State.UNDEFINED)


@dataclass(frozen=True, eq=False)
class Prior:
    """What speaks for a shift of the prior."""

    before: float
    now: float
    z: float
    needed: float
    """The shift of the log-odds that this change of the prior asks for."""
    found: float
    """The shift after which the scores fit the outcomes."""
    followed: Measured
    """How much of the change of scores that the new mix of classes asks for is there."""
    noisy: bool
    """Labels that are wrong at random fit the outcomes better than other log-odds."""
    removed: float | None
    """The share of the domain classifier's AUC above one half that the new mix explains."""

    @property
    def shifted(self) -> bool:
        """Whether it is one."""
        moved = abs(self.now - self.before)
        material = moved > max(LEAST, LEAST_RATIO * min(self.before, 1 - self.before))
        if not material or abs(self.z) < CLEAR or self.needed == 0:
            return False
        fits = 0.5 <= self.found / self.needed <= 1.5
        seen = self.sure or (self.removed or 0.0) >= 0.65
        return fits and (seen or not (self.noisy or self.refuted))

    @property
    def refuted(self) -> bool:
        """Whether the scores clearly did not follow."""
        return self.followed.ok and bool((self.followed.upper or 0.0) < HALF)

    @property
    def sure(self) -> bool:
        """Whether they clearly did."""
        return self.followed.ok and bool((self.followed.lower or 0.0) > HALF / 2)


def prior_of(sample: Sample, chances: tuple[Floats, Floats], domain: Domain | None) -> Prior:
    """Measure it on the rows that are not broken."""
    outcomes = sample.sides.reference.outcome, sample.sides.current.outcome
    rise = sample.sides.rise(outcomes[0], np.where(sample.keep, outcomes[1], np.nan))
    before, now = (min(max(x, 1e-4), 1 - 1e-4) for x in (rise.before, rise.now))
    needed = float(np.log(now / (1 - now)) - np.log(before / (1 - before)))
    keep = sample.keep
    found = shifted(sample.now[keep], outcomes[1][keep]) - shifted(sample.before, outcomes[0])
    mix = mixed(outcomes[0], now)
    logits = log_odds(sample.before)
    asked = float(np.average(logits, weights=mix) - logits.mean())
    there = sample.actual(log_odds(sample.now)) - sample.expected(logits)
    followed = measured(there / asked, len(keep)) if abs(asked) > 1e-6 else NO_ANSWER
    removed = domain.explained_by(mix) if domain else None
    noisy = _noisy(sample, chances[1])
    return Prior(before, now, rise.z, needed, found, followed, noisy, removed)


def _noisy(sample: Sample, chance: Floats) -> bool:
    """Whether wrong labels fit better than a shift of all log-odds."""
    outcome, keep = sample.sides.current.outcome, sample.keep
    moved = logistic(log_odds(chance) + shifted(chance[keep], outcome[keep]))
    flipped = noise_of(sample, chance).fitted
    return bool(sample.actual(log_loss(outcome, moved) - log_loss(outcome, flipped))[0] > 0)


def mixed(outcome: Floats, share: float) -> Floats:
    """Weights of reference rows, mean 1, that give this share of positives."""
    old = float(np.clip(outcome.mean(), 1e-4, 1 - 1e-4))
    return np.where(outcome > 0.5, share / old, (1 - share) / (1 - old))


def prior_shift(sample: Sample, prior: Prior) -> tuple[Sample, Claim]:
    """Claims what the wrong prior and the new mix of classes cost; scores are corrected for it."""
    outcome = sample.sides.current.outcome
    right = logistic(log_odds(sample.now) + prior.found)
    wrong = sample.sides.now.means(sample.lost_now - log_loss(outcome, right))
    base = logistic(log_odds(sample.before) + prior.found)
    weight = mixed(sample.sides.reference.outcome, prior.now)
    losses = log_loss(sample.sides.reference.outcome, base)
    harder = sample.expected(losses, weight) - sample.expected(sample.lost_before)
    part = wrong + harder
    evidence = [
        f"the share of positives is {prior.now:.1%}, {prior.before:.1%} before",
        f"scores fit again when all log-odds move by {prior.found:+.2f};"
        f" a change of the share alone asks for {prior.needed:+.2f}",
        f"the scores moved by {_percent(prior.followed)} of what that mix of the old classes would",
    ]
    if prior.removed is not None:
        evidence.append(
            f"that mix explains {prior.removed:.0%} of how reference and current rows can be told apart"
        )
    claim = Claim(
        cause=Cause.PRIOR_SHIFT,
        scope=Scope(("label",)),
        evidence=tuple(evidence),
        part=part,
        first_seen=sample.sides.first_seen(sample.sides.reference.outcome, outcome),
        action=Action.RECALIBRATE,
        counter_evidence=()
        if prior.sure
        else ("the features have not clearly followed the new mix",),
        confidence=Confidence.HIGH if prior.sure else Confidence.MEDIUM,
    )
    corrected = replace(sample, now=right, before=base, weight=weight)
    return corrected.without(part), claim


def _percent(value: Measured) -> str:
    return f"{value:.0%}" if value.ok else "an unknown part"
