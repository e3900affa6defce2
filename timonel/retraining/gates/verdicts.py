"""Verdicts on contrasts: superiority, non-inferiority, and harm to a slice among many."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from timonel.retraining.gates.contrast import Contrast


class Verdict(StrEnum):
    """What the rows show."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"
    """Neither is shown."""


def superior(found: Contrast, alpha: float) -> Verdict:
    """HOLDS if the challenger is shown to be better; not better, or not shown, FAILS."""
    return _shown(found.decidable and found.p_below(0.0) <= alpha)


def within(found: Contrast, margin: float, alpha: float) -> Verdict:
    """HOLDS if the challenger is shown to be worse by less than `margin`; anything else FAILS."""
    return _shown(found.decidable and found.p_below(margin) <= alpha)


def slices(found: Sequence[Contrast], margins: Sequence[float], alpha: float) -> list[Verdict]:
    """The verdict on each of many slices.

    HOLDS where the loss is shown to be within the slice's margin: each such statement errs with `alpha`.
    FAILS where it is not, and the slice is shown to be worse: if all slices are as they were, one of them
    or more fails with probability `alpha` at most (Holm 1979). Else UNDECIDED: too few rows for either.
    """
    worse = holm([c.p_above(0.0) if c.decidable else 1.0 for c in found], alpha)
    return [_slice(c, margin, w, alpha) for c, margin, w in zip(found, margins, worse, strict=True)]


def holm(p: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses Holm's step-down procedure rejects at the family-wise level `alpha`."""
    order = np.argsort(p, kind="stable")
    rejected = [False] * len(p)
    for rank, i in enumerate(order):
        if p[i] > alpha / (len(p) - rank):
            break
        rejected[i] = True
    return rejected


def _slice(found: Contrast, margin: float, worse: bool, alpha: float) -> Verdict:
    if within(found, margin, alpha) is Verdict.HOLDS:
        return Verdict.HOLDS
    return Verdict.FAILS if worse else Verdict.UNDECIDED


def _shown(shown: bool) -> Verdict:
    return Verdict.HOLDS if shown else Verdict.FAILS
