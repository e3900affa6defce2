"""The second verdict from labelled rows that both versions scored: the stronger one, if rows are logged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from timonel.canary.block import Paired
from timonel.canary.paired import PairedSums, log_harm, log_safe
from timonel.canary.second import LEAST_MATURED, LEAST_ROWS, Second, SecondVerdict, settled
from timonel.canary.standing import as_e, paired_difference


@dataclass(frozen=True)
class PairedVintage:
    """Predictions of one stretch of time, whichever version served them, at one age of their labels."""

    start: datetime
    end: datetime
    predictions: int
    labelled: int
    rows: Paired
    """Of the labelled ones those that both versions scored."""


def second_verdict_paired(
    vintages: Sequence[PairedVintage],
    *,
    margin: float,
    harm_margin: float = 0.0,
    alpha_harm: float = 0.05,
    alpha_promote: float = 0.05,
    design_effect: float = 1.0,
) -> SecondVerdict:
    """Compare two versions on the same matured rows; it may be asked again with each vintage that matures.

    Args:
        vintages: in the order of time, each once, and always the same ones before it.
        margin: how much more often wrong the new version may be and be kept.
        harm_margin: how much more often before that counts as harm.
        alpha_harm: probability of rolling back a version that is no worse than harm_margin.
        alpha_promote: probability of keeping one that is worse by the margin or more.
        design_effect: by which repeated entities widen a mean of rows, at least 1.
    """
    problems = [_unfit(v) for v in vintages]
    fit = [v for v, problem in zip(vintages, problems, strict=True) if problem is None]
    sums = PairedSums()
    for vintage in fit:
        sums = sums.plus(vintage.rows)
    harm = log_harm(sums, harm_margin) / design_effect
    safe = log_safe(sums, margin) / design_effect
    verdict = settled(harm, safe, alpha_harm, alpha_promote)
    return SecondVerdict(
        verdict,
        tuple(_reasons(verdict, fit, sums, as_e(harm), as_e(safe), margin)),
        as_e(harm),
        1 / alpha_harm,
        as_e(safe),
        1 / alpha_promote,
        paired_difference(sums),
        len(fit),
        tuple(p for p in problems if p),
    )


def _unfit(vintage: PairedVintage) -> str | None:
    """Why a vintage cannot be judged."""
    day, n = f"{vintage.start:%Y-%m-%d %H:%M}", vintage.rows.n
    if n < LEAST_ROWS:
        return f"{day}: {n:,} labelled rows that both versions scored, expected {LEAST_ROWS}"
    matured = vintage.labelled / max(vintage.predictions, 1)
    if matured < LEAST_MATURED:
        return f"{day}: {matured:.0%} of the labels are there, expected {LEAST_MATURED:.0%}"
    return None


def _reasons(
    verdict: Second,
    fit: Sequence[PairedVintage],
    sums: PairedSums,
    e_harm: float,
    e_safe: float,
    margin: float,
) -> Iterator[str]:
    if not fit:
        yield "no vintage has matured: nothing can be said yet"
        return
    what = {
        Second.ROLLBACK: "the new version is worse",
        Second.KEEP: f"the new version is worse by less than {margin:g}",
        Second.UNDECIDED: f"neither worse nor within {margin:g} so far",
    }[verdict]
    difference = paired_difference(sums)
    yield (
        f"{what}: of {sums.n:,} labelled rows that both scored, {sums.only_canary:,} only the new version got"
        f" wrong and {sums.only_stable:,} only its predecessor, over {len(fit)} vintages; difference"
        f" {difference}; evidence of harm {e_harm:.3g}, of safety {e_safe:.3g}"
    )
