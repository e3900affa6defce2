"""Is the score that of the model that should serve, on the features that were logged?"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.case import Replay
from timonel.diagnosis.cause import Cause, Confidence
from timonel.diagnosis.claim import Claim
from timonel.diagnosis.finding import Scope
from timonel.diagnosis.loss import Floats, log_loss
from timonel.diagnosis.rows import Rows
from timonel.diagnosis.sample import Sample
from timonel.diagnosis.sides import Sides

TOLERANCE = 1e-3
"""Scores that differ by less are equal: models in float32, features rounded in a log."""
LEAST = 0.005
CLEAR = 4.0
HOPELESS = 0.5
"""If this share of the reference rows differs already, the replay is not of the model that served."""


@dataclass(frozen=True, eq=False)
class Replayed:
    """Scores of a model on the rows of both sides as they were logged; None where it could not score them."""

    before: Floats | None
    now: Floats | None
    problem: str | None = None


@dataclass(frozen=True, eq=False)
class Models:
    """What scored the rows: the version that serves now, and the one before it."""

    replay: Replay | None
    previous: Replay | None
    fresh: str | None
    """The version that the reference does not know; None: the same one served all along."""

    def score(self, rows: Rows) -> Floats | None:
        """Each row by the version that served it; NaN where that one is not at hand, None if none is."""
        if self.replay is None and (self.previous is None or self.fresh is None):
            return None
        if self.fresh is None:
            return None if self.replay is None else _scores(self.replay, rows)
        labels, at = rows.words("version")
        new = np.array([*(label == self.fresh for label in labels), False])[at]
        score = np.full(len(rows), np.nan)
        for model, chosen in ((self.replay, new), (self.previous, ~new)):
            if model is not None and chosen.any():
                score[chosen] = _scores(model, rows)[chosen]
        return score


def usable_model(model: Replay | None, rows: Rows, which: str) -> tuple[Replay | None, str | None]:
    """The model if it can score such rows; else None, and why."""
    if model is None:
        return None, None
    try:
        known = ~np.isnan(_scores(model, rows))
    except Exception as error:  # whatever another's model raises
        return None, f"the {which} cannot score the rows: {_line(error)}"
    if len(known) and not known.any():
        return None, f"the {which} gives no probability to any of {len(known):,} rows"
    return model, None


def _scores(model: Replay, rows: Rows) -> Floats:
    score = np.asarray(model(rows.table), dtype=np.float64)
    if score.shape != (len(rows),):
        raise ValueError(f"it gave {score.shape} scores for {len(rows):,} rows")
    return np.where((score >= 0) & (score <= 1), score, np.nan)


def replayed(models: Models, sides: Sides) -> Replayed:
    """Score both sides again; a model that cannot is reported, not raised."""
    try:
        before, now = models.score(sides.reference), models.score(sides.current)
    except Exception as error:  # whatever another's model raises
        return Replayed(None, None, f"the registered model cannot score the rows: {_line(error)}")
    if before is None or now is None:
        return Replayed(None, None, "no registered model to score the rows again with")
    return Replayed(before, now)


def differs(side: Rows, score: Floats) -> NDArray[np.bool_]:
    """Rows whose logged score is not the replayed one."""
    return np.asarray(np.abs(side.score - score) > TOLERANCE)


def skew(sides: Sides, again: Replayed) -> Claim | None:
    """The claim without its part of the loss: scores that the model does not give to these features."""
    if again.before is None or again.now is None:
        return None
    before, now = differs(sides.reference, again.before), differs(sides.current, again.now)
    rise = sides.rise(before, now)
    if rise.by < LEAST or rise.z < CLEAR or rise.before > HOPELESS or not now.any():
        return None
    gap = float(np.nanmean(np.abs(sides.current.score - again.now)[now]))
    text = (
        f"{rise.now:.1%} of the scores are not what the registered model gives to the features logged"
        f" beside them, {rise.before:.1%} before; they differ by {gap:.3g} on average"
    )
    return Claim(
        cause=Cause.SERVING_SKEW,
        scope=Scope(("score",)),
        evidence=(text,),
        first_seen=sides.first_seen(before, now),
    )


def hopeless(sides: Sides, again: Replayed) -> str | None:
    """Why the replay says nothing of parity."""
    if again.before is None:
        return again.problem
    share = float(np.mean(differs(sides.reference, again.before))) if len(sides.reference) else 0.0
    if share <= HOPELESS:
        return None
    return (
        f"the registered model gives other scores than logged to {share:.0%} of the reference rows:"
        " it is not the one that served, or features are not logged as served"
    )


def skew_part(sample: Sample, again: Replayed) -> tuple[Sample, Floats]:
    """L(served) - L(replayed) on the rows that differ; from here on they count as replayed."""
    assert again.now is not None
    wrong = differs(sample.sides.current, again.now) & ~np.isnan(again.now)
    right = np.where(wrong, again.now, sample.now)
    outcome = sample.sides.current.outcome
    part = sample.sides.now.means(log_loss(outcome, sample.now) - log_loss(outcome, right))
    return replace(sample, now=right).without(part), part


def versions(sides: Sides) -> tuple[str | None, str | None, NDArray[np.bool_]]:
    """The version that most reference rows were served by, the newest that they do not know, and its rows."""
    (old, was), (new, now) = (s.words("version") for s in (sides.reference, sides.current))
    none = np.zeros(len(sides.current), dtype=np.bool_)
    if not old or not new:
        return None, None, none
    usual = old[int(np.bincount(was[was >= 0], minlength=len(old)).argmax())]
    fresh = [i for i, v in enumerate(new) if v not in set(old)]
    if not fresh:
        return usual, None, none
    last = max(fresh, key=lambda i: int((now == i).sum()))
    return usual, new[last], now == last


def deploy(sample: Sample, previous: Floats | None) -> Iterator[tuple[Sample, Claim]]:
    """L(served) - L(previous version on the same rows), where a new version serves."""
    usual, fresh, rows = versions(sample.sides)
    if fresh is None or not rows.any() or previous is None:
        return
    outcome = sample.sides.current.outcome
    use = rows & ~np.isnan(previous)
    old = np.where(use, previous, sample.now)
    saved = log_loss(outcome, sample.now) - log_loss(outcome, old)
    part = sample.sides.now.means(saved)
    if part[0] <= 0 or part[0] < 3 * np.std(part[1:]):
        return
    worse = float(saved[use].mean())
    text = (
        f"version {fresh} serves {rows.mean():.0%} of the rows; on these rows version {usual} has a"
        f" log-loss that is {worse:.4g} lower"
    )
    claim = Claim(
        cause=Cause.DEPLOY,
        scope=Scope(version=fresh),
        evidence=(text,),
        part=part,
        first_seen=sample.sides.first_seen(np.zeros(len(sample.before)), rows),
        confidence=Confidence.HIGH,
    )
    yield replace(sample, now=old).without(part), claim


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
