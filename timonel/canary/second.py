"""The second verdict: once labels have matured, a released version is compared with its predecessor again."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np

from timonel.canary.bernoulli import Floats
from timonel.canary.counted import Counted, fold, harm_by_metric, safe_by_metric
from timonel.canary.intervals import contrast_half_width
from timonel.canary.metric import Metric
from timonel.canary.streams import Streams, compiled
from timonel.performance.value import Measured, State
from timonel.terms import Assignment

LEAST_MATURED = 0.8
"""Share of a vintage's predictions of either version that must have their label."""
LARGEST_GAP = 0.05
"""By which these shares may differ: else the labels of one version are other ones than of the other."""
LEAST_ROWS = 30
"""Labelled rows of either version in a vintage."""


class Second(StrEnum):
    """What to do with a version that was released."""

    KEEP = "keep"
    ROLLBACK = "rollback"
    UNDECIDED = "undecided"
    """The labels do not say yet. It is no pass."""


@dataclass(frozen=True)
class Vintage:
    """Predictions of one version from one stretch of time, at one age of their labels."""

    predictions: int
    labelled: int
    errors: int

    @property
    def matured(self) -> float:
        """The share that has its label."""
        return self.labelled / self.predictions if self.predictions else 0.0


@dataclass(frozen=True)
class Pair:
    """Both versions over the same stretch, counted when their labels were equally old."""

    start: datetime
    end: datetime
    stable: Vintage
    canary: Vintage


@dataclass(frozen=True)
class SecondVerdict:
    """The verdict with its numbers."""

    verdict: Second
    reasons: tuple[str, ...]
    e_harm: float
    harm_bar: float
    e_safe: float
    safe_bar: float
    difference: Measured
    """Of the error rates, new less old, weighted by vintage; at all looks at once."""
    vintages: int
    """That could be compared."""
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {
            "verdict": self.verdict.value,
            "difference": self.difference.to_dict(),
        }


def second_verdict(
    pairs: Sequence[Pair],
    *,
    margin: float,
    base_rate: float | None = None,
    alpha_harm: float = 0.05,
    alpha_promote: float = 0.05,
) -> SecondVerdict:
    """Compare two versions on matured labels of equal vintage; it may be asked again as labels come.

    Each vintage is a block of the same e-process as the canary's, so that neither a change of the base rate
    from week to week nor the number of looks makes a version look worse. Give each vintage once, when it has
    matured, and always the same ones before it.

    Args:
        pairs: vintages in the order of time.
        margin: how much worse in error rate the new version may be and be kept.
        base_rate: the predecessor's before the first vintage; without it that one only teaches it.
    """
    problems = [_unfit(pair) for pair in pairs]
    fit = [p for p, problem in zip(pairs, problems, strict=True) if problem is None]
    streams = compiled(
        [Metric("label errors", margin=margin, noise=0.0, base_rate=base_rate)],
        Assignment.REQUEST,
        0.0,
    )
    state = _folded(streams, fit)
    log_harm = float(harm_by_metric(streams, state)[0])
    log_safe = float(safe_by_metric(state)[0])
    verdict = settled(log_harm, log_safe, alpha_harm, alpha_promote)
    left_out = tuple(p for p in problems if p)
    e_harm, e_safe = (math.exp(min(x, 690.0)) for x in (log_harm, log_safe))
    difference = _difference(state.contrast[0], sum(p.canary.labelled for p in fit))
    return SecondVerdict(
        verdict,
        tuple(_reasons(verdict, fit, difference, e_harm, e_safe, margin)),
        e_harm,
        1 / alpha_harm,
        e_safe,
        1 / alpha_promote,
        difference,
        len(fit),
        left_out,
    )


def _unfit(pair: Pair) -> str | None:
    """Why a vintage cannot be compared."""
    old, new, day = pair.stable, pair.canary, f"{pair.start:%Y-%m-%d %H:%M}"
    if min(old.labelled, new.labelled) < LEAST_ROWS:
        return (
            f"{day}: {new.labelled:,} and {old.labelled:,} labels, expected {LEAST_ROWS} of either"
        )
    if min(old.matured, new.matured) < LEAST_MATURED:
        there = f"{new.matured:.0%} and {old.matured:.0%} of the labels are there"
        return f"{day}: {there}, expected {LEAST_MATURED:.0%}"
    if abs(old.matured - new.matured) > LARGEST_GAP:
        return f"{day}: {new.matured:.0%} of the labels are there, of the predecessor {old.matured:.0%}"
    return None


def _folded(streams: Streams, pairs: Iterable[Pair]) -> Counted:
    state = Counted.start(streams)
    for pair in pairs:
        old, new = pair.stable, pair.canary
        row: Floats = np.array([[old.labelled, old.errors, new.labelled, new.errors]], float)
        state = fold(streams, state, row)
    return state


def settled(log_harm: float, log_safe: float, alpha_harm: float, alpha_promote: float) -> Second:
    """The verdict from both log e-values; harm comes first."""
    if log_harm >= -math.log(alpha_harm):
        return Second.ROLLBACK
    return Second.KEEP if log_safe >= -math.log(alpha_promote) else Second.UNDECIDED


def _difference(contrast: Floats, n: int) -> Measured:
    if contrast[0] <= 0:
        return Measured.absent(State.IMMATURE)
    value, half = float(contrast[1] / contrast[0]), float(contrast_half_width(contrast, 0.05))
    return Measured(value, max(value - half, -1.0), min(value + half, 1.0), n)


def _reasons(
    verdict: Second, fit: Sequence[Pair], d: Measured, e_harm: float, e_safe: float, margin: float
) -> Iterable[str]:
    if not fit:
        yield "no vintage has matured in both versions: nothing can be said yet"
        return
    new, old = sum(p.canary.labelled for p in fit), sum(p.stable.labelled for p in fit)
    wrong_new, wrong_old = sum(p.canary.errors for p in fit), sum(p.stable.errors for p in fit)
    what = {
        Second.ROLLBACK: "the new version is worse",
        Second.KEEP: f"the new version is worse by less than {margin:g}",
        Second.UNDECIDED: f"neither worse nor within {margin:g} so far",
    }[verdict]
    yield (
        f"{what}: wrong in {wrong_new:,} of {new:,} labelled rows, the predecessor in {wrong_old:,} of "
        f"{old:,}, over {len(fit)} vintages; difference {d}; evidence of harm {e_harm:.3g}, of safety "
        f"{e_safe:.3g}"
    )
