"""Claims ranked against each other, and the state of the whole."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from timonel.diagnosis.cause import Action, Cause, Confidence
from timonel.diagnosis.claim import Claim
from timonel.diagnosis.division import Division
from timonel.diagnosis.finding import Diagnosis, DiagnosisState, Finding
from timonel.diagnosis.resampling import measured, share_of
from timonel.performance.value import Measured, State

UNKNOWN = 0.4
"""If more than this part of the change is unexplained, the answer is that nobody knows."""
NOTHING = 0.05
"""A rise of the loss by less than this part of itself is none."""
FREE = 0.02
"""Of the change: what was measured to cost less costs nothing."""
LARGE = 0.2
"""A share of the change that puts a cause before facts that cost nothing."""


@dataclass(frozen=True, eq=False)
class Known:
    """All that the plan found."""

    facts: tuple[Claim, ...]
    """Of the log itself: they stand whatever the loss did."""
    division: Division | None
    """None: too few labelled rows."""
    missing: tuple[str, ...]


def judge(known: Known) -> Diagnosis:
    """Rank the findings and say what they amount to."""
    if known.division is None:
        return _without_loss(known)
    division = known.division
    worse = division.changed and division.change[0] > 0
    change = division.change if worse or _costly(division) else None
    claims = [*known.facts, *division.claims]
    if not claims and division.drift is not None:
        claims = [_harmless(division.drift, _perhaps(division))]
    found = sorted((c.finding(change, division.rows) for c in claims), key=_rank)
    unexplained = Measured.absent(State.UNDEFINED, division.rows)
    if worse:
        unexplained = share_of(division.left, division.change, division.rows)
    return Diagnosis(
        state=_state(found, division, unexplained),
        loss_reference=measured(division.reference, division.rows),
        loss_current=measured(division.current, division.rows),
        change=measured(division.change, division.rows),
        findings=tuple(found),
        unexplained=unexplained,
        missing=known.missing,
        onset=_onset(found),
    )


def _costly(division: Division) -> bool:
    """Whether a step is sure of a loss, though the loss as a whole is within its noise."""
    parts = [float(c.part[0]) for c in division.claims if c.part is not None]
    # what others make up for leaves a change that no share of it would mean anything
    return bool(division.change[0] > 0.5 * max(parts, default=np.inf))


def _state(found: list[Finding], division: Division, unexplained: Measured) -> DiagnosisState:
    acting = [f for f in found if f.cause is not Cause.BENIGN]
    facts = any(not f.share.ok and f.confidence is Confidence.HIGH for f in acting)
    if unexplained.ok and unexplained > UNKNOWN and not facts:
        return DiagnosisState.UNKNOWN
    if not found:
        return DiagnosisState.NONE
    if found[0].confidence is Confidence.LOW:
        return DiagnosisState.UNKNOWN
    return DiagnosisState.EXPLAINED if acting else DiagnosisState.BENIGN


def _without_loss(known: Known) -> Diagnosis:
    absent = Measured.absent(State.NO_DATA)
    found = sorted((c.finding(None, 0) for c in known.facts), key=_rank)
    sure = found and found[0].confidence is Confidence.HIGH
    return Diagnosis(
        state=DiagnosisState.EXPLAINED if sure else DiagnosisState.NOT_ENOUGH,
        loss_reference=absent,
        loss_current=absent,
        change=absent,
        findings=tuple(found),
        unexplained=absent,
        missing=known.missing,
        onset=_onset(found),
    )


def _perhaps(division: Division) -> float:
    """By what part of itself the loss may have risen, as far as the rows can tell."""
    high = float(np.quantile(division.change, 0.975))
    return high / max(float(division.reference[0]), 1e-9)


def _harmless(drift: Claim, perhaps: float) -> Claim:
    """A shift that was not seen to cost anything; sure only if it cannot have cost much."""
    text = "the loss is as it was"
    doubt = f"the rows cannot rule out that the loss has risen by {perhaps:.0%}"
    return replace(
        drift,
        confidence=drift.confidence if perhaps < NOTHING else Confidence.MEDIUM,
        cause=Cause.BENIGN,
        action=Action.NONE,
        part=None,
        counter_evidence=() if perhaps < NOTHING else (doubt,),
        evidence=(*drift.evidence, text),
    )


def _rank(finding: Finding) -> tuple[int, int, float]:
    """First what costs much and can be acted on, then facts, then the rest and what is known to be free."""
    share = float(np.clip(finding.share.value or 0.0, 0, 1))
    free = finding.share.ok and share < FREE
    act = finding.action is not Action.NONE and finding.confidence is not Confidence.LOW
    acting = act and not free
    large = acting and share >= LARGE
    order = list(Confidence).index(finding.confidence)
    return (0 if large else 1 if acting else 2, 0 if large else order, -share)


def _onset(found: list[Finding]) -> datetime | None:
    return found[0].first_seen if found else None
