"""Other rows, or another relation of rows and outcomes: covariate shift against concept change.

What a row of a calibrated model is expected to lose is known from its score: its change is the population's.
The rest, the row's loss beyond that, is divided by the shared distribution of both sides (DISDE, see
`domain`), so that it need not be weighted by far.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from timonel.diagnosis.cause import Action, Cause, Confidence
from timonel.diagnosis.claim import Claim
from timonel.diagnosis.columns import Column
from timonel.diagnosis.finding import Scope
from timonel.diagnosis.loss import Floats, entropy, log_loss
from timonel.diagnosis.sample import Sample
from timonel.diagnosis.steps.domain import Domain
from timonel.diagnosis.steps.quality import moved_by
from timonel.performance.calibration import Calibrator, fit_calibrator

SUPPORT = 0.02
"""With a larger share of rows like none of the reference, a model can learn something new."""
CLEAR = 4.0
FADED = 0.4
"""A shift that is less than this part of its peak at the end of the window has come and gone."""
SLICES = 7


@dataclass(frozen=True, eq=False)
class Split:
    """The change in loss of the rows that are not broken."""

    covariate: Floats
    """(1 + TIMES,): as P(x) changed."""
    concept: Floats
    """(1 + TIMES,): as P(y | x) changed."""
    beyond_before: Floats
    """Of each reference row, its loss beyond the expected one."""
    beyond_now: Floats


def calibrated(sample: Sample, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The chances that the scores stand for, as the reference's outcomes have it."""
    fit = _calibrator(sample, rng)
    return (sample.before, sample.now) if fit is None else (fit(sample.before), fit(sample.now))


def _calibrator(sample: Sample, rng: np.random.Generator) -> Calibrator | None:
    outcome = sample.sides.reference.outcome > 0.5
    if min(int(outcome.sum()), int((~outcome).sum())) < 20 or np.ptp(sample.weight) > 0:
        return None
    return fit_calibrator(sample.before, outcome, rng, 1)


def split(sample: Sample, chances: tuple[Floats, Floats], domain: Domain) -> Split:
    """Divide the loss between population and concept."""
    sides = sample.sides
    expected = entropy(chances[0]), entropy(chances[1])
    beyond = (
        log_loss(sides.reference.outcome, sample.before) - expected[0],
        log_loss(sides.current.outcome, sample.now) - expected[1],
    )
    shared = domain.shared
    harder = sample.actual(expected[1]) - sample.expected(expected[0])
    same = sample.expected(beyond[0], shared[0] * sample.weight)
    there = sample.actual(beyond[1], shared[1])
    moved = (same - sample.expected(beyond[0])) + (sample.actual(beyond[1]) - there)
    kept = float(sample.keep.mean())
    return Split((harder + moved) * kept, (there - same) * kept, beyond[0], beyond[1])


def miscalibrated(sample: Sample) -> bool:
    """Whether scores fit the outcomes worse than in the reference, whoever the rows are."""
    sides = (sample.sides.reference, sample.before), (sample.sides.current, sample.now)
    before, now = (log_loss(side.outcome, p) - entropy(p) for side, p in sides)
    return sample.sure(before, now, sample.actual(now) - sample.expected(before)) > CLEAR


def covariate_shift(sample: Sample, found: Split, domain: Domain, risky: bool) -> Claim:
    """The claim of other rows; `risky`: it costs something."""
    columns = _guilty(sample, domain)
    evidence = [
        f"reference and current rows can be told apart with an AUC of {domain.auc:.3f} (.5: not at all)",
        *(_moved(column) for column in columns),
        "on rows that both sides have, scores fit the outcomes as before",
    ]
    new = domain.beyond > SUPPORT
    counter = (
        ()
        if new
        else ("the reference has rows like the current ones: a new model has little to learn",)
    )
    return Claim(
        cause=Cause.COVARIATE_SHIFT,
        scope=Scope(tuple(column.name for column in columns)),
        evidence=tuple(evidence),
        counter_evidence=counter,
        part=found.covariate if risky else None,
        first_seen=_first_seen(sample, columns),
        action=Action.RETRAIN if new else Action.NONE,
        confidence=Confidence.HIGH if domain.auc > 0.54 else Confidence.MEDIUM,
    )


def season(claim: Claim, sample: Sample) -> Claim | None:
    """The same as a benign change, if it has come and gone within the time in question."""
    trail = [_course(sample.column(name), sample) for name in claim.scope.columns[:1]]
    if not trail or len(trail[0]) < SLICES:
        return None
    heights = trail[0]
    peak = int(np.abs(heights).argmax())
    ends = abs(heights[0]), abs(heights[-1])
    top = float(abs(heights[peak]))
    if not 0 < peak < len(heights) - 1 or max(ends) > FADED * top:
        return None
    text = (
        f"the shift rose to {top:.2g} standard deviations and fell back to {ends[1]:.2g}"
        " within the time in question"
    )
    return replace(
        claim,
        cause=Cause.BENIGN,
        evidence=(text, *claim.evidence),
        action=Action.NONE,
    )


def _course(column: Column, sample: Sample) -> Floats:
    """The mean shift of a column in SLICES slices of the time in question, in sd of the reference."""
    before = _ranks(column.reference, column.reference)
    now = _ranks(column.reference, column.current)
    time = sample.sides.current.time
    span = max(1, int(time[-1] - time[0]) + 1) if len(time) else 1
    at = (time - time[0]) * SLICES // span if len(time) else time
    means = [np.nanmean(now[at == k]) for k in range(SLICES) if (~np.isnan(now[at == k])).any()]
    spread = float(np.nanstd(before)) or 1.0
    course: Floats = (np.array(means) - np.nanmean(before)) / spread
    return course


def _ranks(reference: Floats, values: Floats) -> Floats:
    known = np.sort(reference[~np.isnan(reference)])
    rank = np.searchsorted(known, values, side="right") / max(1, len(known))
    return np.where(np.isnan(values), np.nan, rank)


def _guilty(sample: Sample, domain: Domain) -> list[Column]:
    """The columns by which the sides are told apart, the first and what comes near it."""
    if not len(domain.gain) or domain.gain.max() <= 0:
        return []
    order = np.argsort(-domain.gain)
    top = domain.gain[order[0]]
    return [sample.columns[j] for j in order[:3] if domain.gain[j] > 0.3 * top]


def _moved(column: Column) -> str:
    before, now = column.reference, column.current
    if not column.numeric:
        return (
            f"{column.name}: {moved_by(column):.0%} of the rows have another category than before"
        )
    return (
        f"{column.name}: median {np.nanmedian(now):.4g}, {np.nanmedian(before):.4g} before"
        if (~np.isnan(now)).any() and (~np.isnan(before)).any()
        else f"{column.name}: no values on one side"
    )


def _first_seen(sample: Sample, columns: list[Column]) -> datetime | None:
    if not columns:
        return None
    first = columns[0]
    return sample.sides.first_seen(
        _ranks(first.reference, first.reference), _ranks(first.reference, first.current)
    )
