"""P-values computed here against SciPy's, over their whole range."""

import numpy as np
import pytest
from scipy import stats

from timonel.drift.contingency import category_parts, chi2_sf, pearson, two_by_two
from timonel.drift.corrections import holm
from timonel.drift.kolmogorov import kolmogorov_sf, ks_exact, ks_p_values

TAILS = np.array([0.9999, 0.9, 0.5, 0.2, 0.05, 0.02, 0.01, 1e-3, 1e-6, 1e-12, 1e-40])


@pytest.mark.parametrize(
    ("rows", "tolerance"), [(50, 3e-4), (196, 2e-5), (909, 2e-6), (9_000, 2e-6)]
)
def test_the_kolmogorov_distribution(rows: int, tolerance: float) -> None:
    """Relative to SciPy's kstwo the error is below the tolerance from p = 1 to 1e-40."""
    d = stats.kstwo.isf(TAILS, rows)
    keep = np.isfinite(d) & (stats.kstwo.sf(d, rows) > 0)
    found = kolmogorov_sf(d[keep], np.full(keep.sum(), float(rows)))
    assert np.abs(found / stats.kstwo.sf(d[keep], rows) - 1).max() < tolerance


@pytest.mark.parametrize(
    ("n", "m"), [(1, 10), (5, 7), (20, 20), (50, 80), (99, 100), (200, 200), (9, 1000)]
)
def test_the_exact_two_sample_distribution(n: int, m: int) -> None:
    """Every attainable D of small samples has SciPy's exact p-value to 1e-9."""
    lcm = np.lcm(n, m)
    for d in np.unique(np.linspace(1, lcm, 25).astype(int)) / lcm:
        x = np.sort(np.arange(n) / n)
        expected = stats._stats_py._attempt_exact_2kssamp(n, m, np.gcd(n, m), d, "two-sided")[2]
        assert ks_exact(float(d), n, m) == pytest.approx(expected, abs=1e-9), (d, x)


def test_ks_p_values_are_ks_2samps() -> None:
    """Exact for small samples; for others as ks_2samp's asymptotic p-value to 5 digits."""
    rng = np.random.default_rng(0)
    for n, m in ((40, 60), (300, 2_000), (10_000, 1_000)):
        x, y = rng.normal(size=n), rng.normal(size=m) + 0.05
        method = "exact" if n * m <= 10_000 else "asymp"
        expected = stats.ks_2samp(x, y, method=method)
        found = ks_p_values(np.array([expected.statistic]), np.array([n]), np.array([m]))
        assert found[0] == pytest.approx(expected.pvalue, rel=1e-4)


@pytest.mark.parametrize("dof", [1, 2, 3, 4, 7, 10, 51, 200, 3001])
def test_the_chi_squared_tail(dof: int) -> None:
    """The tail equals SciPy's to 1e-10, relative, wherever it is a normal number."""
    for x in dof * np.array([0.01, 0.3, 0.8, 1, 1.2, 2, 4, 20]):
        expected = stats.chi2.sf(x, dof)
        if expected > 1e-290:
            assert chi2_sf(float(x), dof) == pytest.approx(expected, rel=1e-10)


def test_small_two_by_two_tables_are_exact() -> None:
    """Twice the smaller tail of the hypergeometric distribution, while expected counts are below ten."""
    for hits, rows, seen, drawn in ((10, 1_000, 3, 100), (3, 11_000, 3, 1_000), (12, 90, 2, 40)):
        law = stats.hypergeom(rows, hits, drawn)
        tail = min(law.cdf(seen), law.sf(seen - 1))
        assert two_by_two(hits, rows, seen, drawn) == pytest.approx(min(1, 2 * tail), rel=1e-9)


def test_large_two_by_two_tables_are_pearsons() -> None:
    """With large counts the p-value is that of the uncorrected chi-squared test."""
    table = [[3_000, 97_000], [500, 9_500]]
    expected = stats.chi2_contingency(table, correction=False).pvalue
    assert two_by_two(3_500, 110_000, 500, 10_000) == pytest.approx(expected, rel=1e-9)


def test_rare_categories_keep_their_level() -> None:
    """A long tail of rare categories alarms at .005 in at most 1 % of 2,000 tables without drift."""
    rng = np.random.default_rng(1)
    shares = 1 / np.arange(1, 201) ** 1.5
    shares /= shares.sum()
    alarms = 0
    for _ in range(2_000):
        before, now = rng.multinomial(5_000, shares).tolist(), rng.multinomial(300, shares).tolist()
        parts = category_parts(before, now, pearson(before, now))
        alarms += len(parts) * min(part.p for part in parts) <= 0.005
    assert alarms <= 20


def test_holm_is_its_definition() -> None:
    """Corrected p-values are monotone, at most 1, and those worked out by hand."""
    assert holm(np.array([0.01, 0.04, 0.03, 0.9])) == pytest.approx([0.04, 0.09, 0.09, 0.9])
    assert holm(np.empty(0)).tolist() == []
