"""The tails of the two laws that readings are judged by."""

import math

import numpy as np
import pytest
from scipy import stats

from timonel.anomalies.tails import (
    beta_binomial_limit,
    beta_binomial_sf,
    student_limit,
    student_sf,
)


@pytest.mark.parametrize("n", [1, 7, 300, 20_000])
@pytest.mark.parametrize(("a", "b"), [(0.5, 800.0), (3.0, 27.0), (40.0, 2.0)])
def test_the_beta_binomial_tail_is_scipys(n: int, a: float, b: float) -> None:
    """On both sides of the mean, as far as SciPy's own digits go."""
    for k in {0, 1, n // 10, n // 2, n - 1, n}:
        exact = stats.betabinom.sf(k - 1, n, a, b)
        assert beta_binomial_sf(k, n, a, b) == pytest.approx(exact, rel=1e-4, abs=1e-9)


def test_small_tails_keep_their_digits() -> None:
    """All of 20,000 rows: B(20040, 2) / B(40, 2) by hand."""
    exact = 40 * 41 / (20_040 * 20_041)
    assert beta_binomial_sf(20_000, 20_000, 40.0, 2.0) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("level", [1e-2, 1e-5])
def test_the_limit_is_the_least_count_that_is_improbable_enough(level: float) -> None:
    """One event fewer is still within the level."""
    k = beta_binomial_limit(500, 2.0, 98.0, level)
    assert beta_binomial_sf(k, 500, 2.0, 98.0) <= level < beta_binomial_sf(k - 1, 500, 2.0, 98.0)


@pytest.mark.parametrize("freedom", [1, 2, 5, 30])
def test_students_tail_is_scipys(freedom: int) -> None:
    """Even and odd degrees of freedom, both signs."""
    for t in (-3.0, 0.0, 0.7, 4.0, 9.0):
        assert student_sf(t, freedom) == pytest.approx(stats.t.sf(t, freedom), abs=1e-13)


def test_the_limit_of_students_law_is_its_quantile() -> None:
    """The inverse of the tail."""
    assert student_limit(1e-4, 8) == pytest.approx(stats.t.isf(1e-4, 8), rel=1e-8)


def test_a_large_count_costs_little_and_stays_a_probability() -> None:
    """A hundred thousand rows, the count near the mean."""
    tail = beta_binomial_sf(50_001, 100_000, 5.0, 5.0)
    assert math.isfinite(tail)
    assert np.isclose(tail, 0.5, atol=0.01)
