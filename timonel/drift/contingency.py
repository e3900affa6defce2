"""Tests of counts: is a table of two rows, reference and current, drawn from one distribution?

Pearson's statistic is compared with its chi-squared limit only where that limit holds, at expected counts of
ten or more. Rarer categories are pooled into one, and each of them is held against its exact
hypergeometric distribution as well, so that a new value that shows up often is seen and one that shows
up once is not an alarm.

References:
    Pearson (1900); Yates (1934), the continuity correction; Fisher (1935), the exact test;
    Lancaster (1961), Significance tests in discrete distributions, J. Am. Stat. Assoc. 56 (the mid-p).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = Sequence[int]
Pair = tuple[int, int]
"""A category's rows in both samples together, and in the current one."""

COMMON = 10.0
"""Expected rows, in the smaller sample, from which a category counts as common."""
EXACT = 100.0
"""Expected rows up to which a two-by-two table has its exact p-value."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the tests that a feature's p-value is made of."""

    evidence: str
    p: float


def pearson(reference: Counts, current: Counts) -> tuple[float, int] | None:
    """Pearson's statistic and its degrees of freedom; None where a row or all columns but one are empty.

    At one degree of freedom with Yates' correction: both as SciPy's `chi2_contingency` has it.
    """
    n, m = sum(reference), sum(current)
    pairs = [(a, a + b) for a, b in zip(reference, current, strict=True) if a + b]
    dof = len(pairs) - 1
    if not n or not m or dof < 1:
        return None
    share, total = n / (n + m), 0.0
    for count, both in pairs:
        expected = both * share
        gap = abs(count - expected)
        if dof == 1:
            gap -= min(0.5, gap)
        total += gap * gap / expected
    # the two rows deviate alike, so the second row's terms follow from the first's
    return total * (1 + n / m), dof


def chi2_sf(x: float, dof: int) -> float:
    """P(X >= x) of a chi-squared variable with an integer number of degrees of freedom.

    The upper regularised incomplete gamma function at a half-integer is a finite sum of positive
    terms (Abramowitz & Stegun 26.4.4, 26.4.5); each follows from the logarithm of the one before.
    """
    if x <= 0.0:
        return 1.0
    half, odd = x / 2, dof % 2 == 1
    total = math.erfc(math.sqrt(half)) if odd else 0.0
    order, log_term = (0.5, math.log(4 * half / math.pi) / 2) if odd else (0.0, 0.0)
    log_half = math.log(half)
    while order < dof / 2 and dof > 1:
        total += math.exp(log_term - half)
        order += 1
        log_term += log_half - math.log(order)
    return min(1.0, total)


def two_by_two(hits: int, rows: int, hits_current: int, rows_current: int) -> float:
    """Two-sided p of `hits_current` of `rows_current`, when `hits` of `rows` are the sums of both samples.

    Twice the smaller exact tail; half of the observed outcome's weight is left out (mid-p) once it is
    small; beyond an expected 100 rows Pearson's test without correction.
    """
    expected = min(hits, rows - hits) * min(rows_current, rows - rows_current) / rows
    if expected == 0.0:
        return 1.0
    if expected > EXACT:
        gap = hits_current - hits * rows_current / rows
        variance = hits * (rows - hits) / rows * (rows_current * (rows - rows_current)) / rows**2
        return chi2_sf(gap**2 / variance, 1)
    low, weights = _hypergeometric(hits, rows, rows_current)
    at = hits_current - low
    seen = weights[at] * (0.5 if expected >= COMMON else 1.0)
    tail = min(weights[:at].sum() + seen, weights[at + 1 :].sum() + seen)
    return float(min(1.0, 2.0 * tail))


def _hypergeometric(hits: int, rows: int, drawn: int) -> tuple[int, NDArray[np.float64]]:
    """The least number of hits among the drawn, and the probability of each number from there on."""
    least, most = max(0, hits + drawn - rows), min(hits, drawn)
    x = np.arange(least, most, dtype=np.float64)
    ratios = np.log((hits - x) * (drawn - x) / ((x + 1) * (rows - hits - drawn + x + 1)))
    logs = np.concatenate([[0.0], np.cumsum(ratios)])
    weights = np.exp(logs - logs.max())
    return least, weights / weights.sum()


def category_parts(
    reference: Counts, current: Counts, found: tuple[float, int] | None
) -> list[Part]:
    """The tests of one feature's categories: the common ones together, the rare ones one by one.

    `found` is Pearson's statistic of the whole table, known already.
    """
    n, m = sum(reference), sum(current)
    if not n or not m:
        return []
    lesser = min(n, m) / (n + m)
    table = [(a + b, b) for a, b in zip(reference, current, strict=True) if a + b]
    common = [pair for pair in table if pair[0] * lesser >= COMMON]
    rare = [pair for pair in table if pair[0] * lesser < COMMON]
    if not rare:
        return _common_part(common, found)
    pooled = (sum(both for both, _ in rare), sum(seen for _, seen in rare))
    if pooled[0] * lesser >= COMMON:
        common.append(pooled)
    apart = pearson([both - seen for both, seen in common], [seen for _, seen in common])
    return [*_common_part(common, apart), _rare_part(rare, n + m, m)]


def _common_part(table: list[Pair], found: tuple[float, int] | None) -> list[Part]:
    """Two categories have their exact test; more have Pearson's."""
    if found is None:
        return []
    if len(table) == 2:
        rows, rows_current = (sum(column) for column in zip(*table, strict=True))
        return [Part("categories", two_by_two(table[0][0], rows, table[0][1], rows_current))]
    return [Part("categories", chi2_sf(*found))]


def _rare_part(table: list[Pair], rows: int, rows_current: int) -> Part:
    """The least p of any rare category, times their number."""
    least = min(two_by_two(both, rows, seen, rows_current) for both, seen in set(table))
    return Part("rare categories", min(1.0, least * len(table)))


def missing_part(missing: int, rows: int, missing_current: int, rows_current: int) -> list[Part]:
    """The test of the share of missing values, where any is missing."""
    if not missing + missing_current or not rows or not rows_current:
        return []
    p = two_by_two(missing + missing_current, rows + rows_current, missing_current, rows_current)
    return [Part("missing values", p)]
