"""The investigation plan: facts first, then the loss is divided step by step, then all is ranked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from timonel.diagnosis.broken import Looked, contracts, look, narrowed, read
from timonel.diagnosis.case import Case
from timonel.diagnosis.cause import Cause, Confidence
from timonel.diagnosis.claim import Claim
from timonel.diagnosis.division import Dividing, Division
from timonel.diagnosis.facts.delivery import delivery, twice
from timonel.diagnosis.facts.features import PLAIN_FACTOR
from timonel.diagnosis.facts.service import service
from timonel.diagnosis.finding import Diagnosis, Scope
from timonel.diagnosis.judgement import Known, judge
from timonel.diagnosis.onset import EPOCH
from timonel.diagnosis.rows import Rows
from timonel.diagnosis.sides import Sides
from timonel.diagnosis.steps.parity import Models, hopeless, replayed, skew, usable_model, versions
from timonel.diagnosis.steps.quality import moved_by
from timonel.diagnosis.steps.vintage import last_seen, usable, vintage

LEAST_ROWS = 30
"""Rows a side, with labels where the loss is concerned, below which nothing is said."""
FEW_ROWS = 200
"""With fewer rows a side nothing is found for sure: they are of one hour or of one customer."""
LEAST_CLASS = 10
"""Labelled rows of either class on each side."""
PARITY_ROWS = 20_000
PROBED = 200
"""Rows by which it is seen whether a model can score at all."""
MOVED = 0.1
"""Without labels: the distance of two distributions that is worth a word."""


def diagnose(case: Case, *, seed: int = 0) -> Diagnosis:
    """Say why a model got worse, how sure that is, what speaks against it and what to do.

    The same case and seed give the same answer. Nothing that a case lacks is guessed: it is listed in
    `missing`, and the answer is that much less.
    """
    rng = np.random.default_rng(seed)
    reference = Rows.read(case.reference, case.classes, "reference")
    current = Rows.read(case.current, case.classes, "current")
    full = Sides.of(reference, current, rng)
    few = _few(full)
    if few:
        return judge(Known((), None, (few,)))
    again = tuple(twice(full))
    full = _once(full, rng)
    case, unfit = _fit_models(case, full, rng)
    read_at = _as_of(case, full)
    looked = look(case, full, rng)
    facts = (*again, *service(full), *delivery(full, read_at), *looked.facts)
    ages = vintage(full, read_at, rng)
    lacking = _unlabelled(full, ages.matched)
    missing = (*unfit, *looked.missing, *_missing(case, full, read_at, rng), *lacking)
    if lacking:
        facts = (*facts, *_without_labels(case, full, looked, rng))
        return judge(Known(_doubted(facts, full), None, missing))
    division = Dividing(case, looked, rng).divide(full, ages)
    division = replace(division, claims=_doubted(division.claims, full))
    return judge(
        _dated(Known(_doubted(facts, full), division, (*missing, *division.missing)), full, looked)
    )


def _few(full: Sides) -> str | None:
    sizes = len(full.reference), len(full.current)
    if min(sizes) >= LEAST_ROWS:
        return None
    return f"{sizes[0]:,} reference rows and {sizes[1]:,} current ones; at least {LEAST_ROWS} are needed"


def _fit_models(case: Case, full: Sides, rng: np.random.Generator) -> tuple[Case, tuple[str, ...]]:
    """The case with the models that can score its rows, and why others cannot."""
    rows = narrowed(full, (), PROBED, rng).current
    served, problem = usable_model(case.replay, rows, "registered model")
    former, other = usable_model(case.previous, rows, "previous version")
    problems = tuple(p for p in (problem, other) if p is not None)
    return replace(case, replay=served, previous=former), problems


def _once(full: Sides, rng: np.random.Generator) -> Sides:
    """Each row once: what came twice would be counted twice in all that follows."""
    sides = full.reference, full.current
    if not any(side.repeated_ids.any() for side in sides):
        return full
    before, now = (side.take(np.flatnonzero(~side.repeated_ids)) for side in sides)
    return Sides.of(before, now, rng)


def _doubted(facts: tuple[Claim, ...], full: Sides) -> tuple[Claim, ...]:
    """Of a few rows everything is doubtful."""
    if min(len(full.reference), len(full.current)) >= FEW_ROWS:
        return facts
    return tuple(replace(claim, confidence=Confidence.LOW) for claim in facts)


def _as_of(case: Case, full: Sides) -> int | None:
    if case.as_of is None:
        return last_seen(full)
    moment = case.as_of if case.as_of.tzinfo else case.as_of.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


def _missing(
    case: Case, full: Sides, read_at: int | None, rng: np.random.Generator
) -> Iterator[str]:
    """Questions that this case does not let ask."""
    for name, what in (
        ("latency_ms", "latency"),
        ("arrival_time", "rows that arrive late"),
        ("entity", "values that repeat themselves within an entity"),
        ("prediction_id", "rows that come twice"),
        ("version", "a deploy"),
    ):
        if not (full.reference.has(name) and full.current.has(name)):
            yield f"no {name} in the log: nothing is said of {what}"
    if read_at is None:
        yield "no arrival times of labels: they are taken for mature"
    few = narrowed(full, (), 2000, rng)
    fresh = versions(full)[1]
    again = replayed(Models(case.replay, case.previous, fresh), few)
    problem = hopeless(few, again)
    if problem:
        yield f"{problem}: serving skew cannot be seen, broken features cannot be repaired"
    if fresh is not None and case.previous is None:
        yield f"version {fresh} is new and no previous version is at hand to score the same rows"


def _unlabelled(
    full: Sides, matched: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
) -> tuple[str, ...]:
    """Why the loss cannot be told; nothing if it can."""
    sides = (full.reference, matched, "reference"), (full.current, usable(full.current), "current")
    for side, rows, what in sides:
        outcome = side.outcome[rows]
        positive = int(outcome.sum())
        if len(outcome) < LEAST_ROWS:
            return (
                f"{len(outcome):,} labelled and scored {what} rows, at least {LEAST_ROWS} are needed:"
                " nothing is said of the loss",
            )
        if min(positive, len(outcome) - positive) < LEAST_CLASS:
            return (
                f"the labelled {what} rows hold {positive:,} positives of {len(outcome):,}, at least"
                f" {LEAST_CLASS} of either class are needed: nothing is said of the loss",
            )
    return ()


def _without_labels(
    case: Case, full: Sides, looked: Looked, rng: np.random.Generator
) -> Iterator[Claim]:
    """Broken features, scores that the model does not give, and columns that moved."""
    for every in looked.broken.values():
        found = tuple(b for b in every if not b.whole or abs(np.log(b.factor)) > PLAIN_FACTOR)
        if not found:
            continue
        yield Claim(
            cause=Cause.DATA_QUALITY,
            scope=Scope((found[0].column,)),
            evidence=tuple(b.text for b in found),
            first_seen=_first_seen(full, looked, found[0].column),
        )
    few = narrowed(full, (), PARITY_ROWS, rng)
    models = Models(case.replay, case.previous, versions(few)[1])
    claim = skew(few, replayed(models, few))
    if claim is not None:
        yield claim
    yield from _moved(case, few, looked)
    fresh = versions(full)[1]
    if fresh is not None:
        yield Claim(
            cause=Cause.DEPLOY,
            scope=Scope(version=fresh),
            evidence=(f"version {fresh} is new",),
            counter_evidence=(
                "that it came then is no proof; without labels nothing else is known",
            ),
            confidence=Confidence.LOW,
        )


def _moved(case: Case, few: Sides, looked: Looked) -> Iterator[Claim]:
    known = contracts(case)
    columns = [read(n, few, known.get(n)) for n in looked.names if n not in looked.broken]
    moved = sorted(((moved_by(c), c.name) for c in columns if c is not None), reverse=True)[:3]
    names = [(by, name) for by, name in moved if by > MOVED]
    if names:
        yield Claim(
            cause=Cause.COVARIATE_SHIFT,
            scope=Scope(tuple(name for _, name in names)),
            evidence=tuple(f"{name}: the distribution moved by {by:.2f}" for by, name in names),
            counter_evidence=("without labels nobody knows whether it costs anything",),
            confidence=Confidence.LOW,
        )


def _dated(known: Known, full: Sides, looked: Looked) -> Known:
    """Claims on broken columns say when the column broke."""
    division = known.division
    if division is None:
        return known
    return replace(known, division=replace(division, claims=tuple(_when(division, full, looked))))


def _when(division: Division, full: Sides, looked: Looked) -> Iterator[Claim]:
    for claim in division.claims:
        names = [n for n in claim.scope.columns if n in looked.broken]
        if claim.first_seen is None and names:
            claim = replace(claim, first_seen=_first_seen(full, looked, names[0]))
        yield claim


def _first_seen(full: Sides, looked: Looked, name: str) -> datetime | None:
    found = looked.broken[name][0]
    return looked.sides.first_seen(found.before, found.now) if not found.whole else None
