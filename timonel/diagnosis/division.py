"""The loss divided among causes, one step after the other; each gets what the ones before it left."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.broken import MOST_COLUMNS, Looked, contracts, read
from timonel.diagnosis.case import Case
from timonel.diagnosis.claim import Claim
from timonel.diagnosis.columns import Column
from timonel.diagnosis.facts.features import PLAIN_FACTOR, Breakage
from timonel.diagnosis.loss import Floats
from timonel.diagnosis.resampling import clear
from timonel.diagnosis.rows import Rows
from timonel.diagnosis.sample import Sample
from timonel.diagnosis.sides import Sides
from timonel.diagnosis.steps.concept import (
    gain_of,
    other_answers,
    other_rule,
    same_world,
)
from timonel.diagnosis.steps.domain import Domain, fit_domain
from timonel.diagnosis.steps.noise import noise_of
from timonel.diagnosis.steps.parity import Models, deploy, replayed, skew, skew_part, versions
from timonel.diagnosis.steps.prior import prior_of, prior_shift
from timonel.diagnosis.steps.quality import Rescore, broken_rows, moved_by, repairs
from timonel.diagnosis.steps.shift import (
    Split,
    calibrated,
    covariate_shift,
    miscalibrated,
    season,
    split,
)
from timonel.diagnosis.steps.vintage import Vintage, arrival_bias, bias_claim, usable

CLEAR = 3.0
CONCEPT = 4.0
MATERIAL = 0.01
"""Of the reference's loss: what changed by less has not changed."""
SAMPLE = 30_000
"""Labelled rows a side on which the loss is divided."""
ENOUGH = 200
"""Rows a side that a population can be compared by."""
FEW_BROKEN = 0.05
"""With more rows broken, those left are not the population."""
APART = 0.53
"""A domain classifier's AUC from which on the sides are worth a word."""
BARELY = 0.51
"""That from which on a change in loss can be theirs."""
LEAST = 0.2
"""A covariate shift that makes less than this part of the change is not claimed."""
DEARER = 0.05
"""Of the reference's loss: other rows that cost more are worth a word, if only by what is expected."""
SAME = 0.35
"""A model of the reference that lost less than this part of what served scores lost saw the same world."""


@dataclass(frozen=True, eq=False)
class Division:
    """What the steps claim of a change."""

    reference: Floats
    """(1 + TIMES,): mean loss."""
    current: Floats
    rows: int
    changed: bool
    claims: tuple[Claim, ...]
    left: Floats
    drift: Claim | None
    """Other rows than before, whether they cost anything or not."""
    missing: tuple[str, ...]

    @property
    def change(self) -> Floats:
        """(1 + TIMES,)."""
        return self.current - self.reference


class Dividing:
    """The steps in their order, on one sample."""

    def __init__(self, case: Case, looked: Looked, rng: np.random.Generator) -> None:
        self.case, self.looked, self.rng = case, looked, rng
        self.drift: Claim | None = None
        self.missing: list[str] = []

    def divide(self, full: Sides, vintage: Vintage) -> Division:
        """Divide the change from the whole reference to the current rows."""
        sample = self.sample(full, vintage.matched)
        whole, bias = arrival_bias(full, vintage)
        now = sample.sides.now.means(sample.lost_now)
        then = sample.sides.before.means(sample.lost_before)
        early = bias_claim(bias, now - whole, vintage)
        # without that claim, what the vintage adds is the noise of its draw
        base = whole if early else then
        change = now - base
        material = abs(change[0]) > MATERIAL * base[0]
        changed = bool(material and abs(clear(change)) > CLEAR)
        sample = replace(sample, change=change, left=now - then if early else change)
        sample, claims = self._run(sample, changed)
        claims = [early, *claims] if early and changed else claims
        rows = len(sample.now)
        return Division(
            *(base, now, rows, changed, tuple(claims), sample.left, self.drift),
            missing=tuple(self.missing),
        )

    def sample(self, full: Sides, labelled: NDArray[np.bool_]) -> Sample:
        """Labelled rows of both sides, with the columns that moved most."""
        sides = Sides.of(
            full.reference.sample(labelled, SAMPLE, self.rng),
            full.current.sample(usable(full.current), SAMPLE, self.rng),
            self.rng,
        )
        known = contracts(self.case)
        every = [read(name, sides, known.get(name)) for name in self.looked.names]
        columns = [c for c in every if c is not None]
        if len(columns) > MOST_COLUMNS:
            columns = self._telling(columns, sides)
            self.missing.append(
                f"{len(columns) - MOST_COLUMNS} of {len(columns)} features, those that moved least and"
                " tell least of errors, were left out where features are looked at together"
            )
        return Sample.of(sides, tuple(columns[:MOST_COLUMNS]))

    def _telling(self, columns: list[Column], sides: Sides) -> list[Column]:
        """Broken columns first, then in turn those that moved most and those that errors go with."""
        wrong = np.abs(sides.current.outcome - sides.current.score)
        moved = sorted(columns, key=lambda c: -moved_by(c))
        told = sorted(columns, key=lambda c: -_goes_with(c, wrong))
        broken = [c for c in columns if c.name in self.looked.broken]
        turns = [column for pair in zip(moved, told, strict=True) for column in pair]
        return list({c.name: c for c in (*broken, *turns)}.values())

    def _run(self, sample: Sample, changed: bool) -> tuple[Sample, list[Claim]]:
        claims: list[Claim] = []
        for step in (self._served, self._features, self._population):
            sample, found = step(sample, changed)
            claims += found
        return sample, claims

    def _served(self, sample: Sample, changed: bool) -> tuple[Sample, list[Claim]]:
        """Serving skew, then the deploy."""
        claims = []
        again = replayed(self._models(sample), sample.sides)
        claim = skew(sample.sides, again)
        if claim is not None:
            sample, part = skew_part(sample, again)
            claims.append(replace(claim, part=part))
        for after, deployed in deploy(sample, self._previous(sample)):
            sample = after
            claims.append(deployed)
        return sample, claims

    def _models(self, sample: Sample) -> Models:
        return Models(self.case.replay, self.case.previous, versions(sample.sides)[1])

    def _previous(self, sample: Sample) -> Floats | None:
        if self.case.previous is None or versions(sample.sides)[1] is None:
            return None
        again = replayed(Models(self.case.previous, None, None), sample.sides)
        if again.now is None:
            self.missing.append(f"as to the previous version: {again.problem}")
        return again.now

    def _features(self, sample: Sample, changed: bool) -> tuple[Sample, list[Claim]]:
        """Whole columns that a repair mends, then rows that show to be broken."""
        claims: list[Claim] = []
        rest = dict(self.looked.broken)
        if changed or rest:
            for after, claim in repairs(sample, self._rescore(sample), frozenset(rest)):
                sample = after
                told = [b.text for name in claim.scope.columns for b in rest.pop(name, ())]
                claims.append(replace(claim, evidence=(*told, *claim.evidence)))
        held = {column.name for column in sample.columns}
        for found in (v for name, v in rest.items() if name in held):
            certain = self._certain(sample, found)
            if certain:
                sample, claim = broken_rows(sample, certain)
                claims.append(claim)
        return sample, claims

    def _certain(self, sample: Sample, found: tuple[Breakage, ...]) -> tuple[Breakage, ...]:
        """A whole column that seems to be in another unit can have moved: then no repair mends it.

        Without a model to score the repair, the change must be large and scores fit the outcomes no more.
        """
        plain = self._models(sample).replay is None and miscalibrated(sample)
        return tuple(
            b for b in found if not b.whole or (plain and abs(np.log(b.factor)) > PLAIN_FACTOR)
        )

    def _rescore(self, sample: Sample) -> Rescore:
        models = self._models(sample)

        def rescore(rows: Rows) -> Floats | None:
            try:
                return models.score(rows)
            except Exception:  # the parity step has said why
                return None

        return rescore

    def _population(self, sample: Sample, changed: bool) -> tuple[Sample, list[Claim]]:
        """Prior, concept, covariates: on the rows that are not known to be broken."""
        if min(int(sample.keep.sum()), len(sample.before)) < ENOUGH:
            return sample, []
        claims: list[Claim] = []
        domain = fit_domain(sample, self.case.learner, self.rng)
        chances = calibrated(sample, self.rng)
        prior = prior_of(sample, chances, domain) if len(self.case.classes) == 2 else None
        if prior is not None and prior.shifted:
            sample, claim = prior_shift(sample, prior)
            claims.append(claim)
            chances = sample.before, sample.now
        found = split(sample, chances, domain)
        if self._concerned(sample, found):
            sample, claim = self._concept(sample, chances, found)
            claims.append(claim)
        return self._covariates(sample, found, domain, changed, claims)

    def _concerned(self, sample: Sample, found: Split) -> bool:
        least = MATERIAL * float(sample.lost_before.mean())
        z = sample.sure(found.beyond_before, found.beyond_now, found.concept)
        return bool(z > CONCEPT and found.concept[0] > least)

    def _concept(
        self, sample: Sample, chances: tuple[Floats, Floats], found: Split
    ) -> tuple[Sample, Claim]:
        gain = gain_of(sample, chances, self.case.learner, self.rng)
        claim = other_rule(sample, found, gain, noise_of(sample, gain.chance))
        fresh = versions(sample.sides)[1]
        asked = fresh is not None if self.case.replay else True
        if asked and self.case.previous is None and sample.columns:
            ratio, part = same_world(sample, self.case.learner, self.rng)
            if ratio < SAME:
                claim = other_answers(claim, np.minimum(part, found.concept), fresh, ratio)
        return sample.without(found.concept if claim.part is None else claim.part), claim

    def _covariates(
        self, sample: Sample, found: Split, domain: Domain, changed: bool, claims: list[Claim]
    ) -> tuple[Sample, list[Claim]]:
        if sample.keep.mean() < 1 - FEW_BROKEN or domain.auc < (BARELY if changed else APART):
            return sample, claims
        # what the scores expect is told without the noise of the outcomes
        dearer = found.covariate[0] > DEARER * sample.lost_before.mean()
        changed = changed or bool(dearer and clear(found.covariate) > CONCEPT)
        share = found.covariate[0] / sample.change[0] if sample.change[0] else 0.0
        costs = changed and share > LEAST and not claims
        drift = covariate_shift(sample, found, domain, costs)
        self.drift = season(drift, sample) or drift
        if not (changed and share > LEAST):
            return sample, claims
        return sample.without(found.covariate), [*claims, replace(self.drift, part=found.covariate)]


def _goes_with(column: Column, error: Floats) -> float:
    """The correlation of a column with the size of errors, whatever its sign."""
    known = ~np.isnan(column.current)
    values, wrong = column.current[known], error[known]
    if len(values) < ENOUGH or not np.ptp(values) or not np.ptp(wrong):
        return 0.0
    return float(abs(np.corrcoef(values, wrong)[0, 1]))
