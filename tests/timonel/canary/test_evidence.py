"""The evidence is evidence: its expectation under every null is at most 1, and the formulas agree."""

import math

import numpy as np
import pytest

from timonel.canary.bernoulli import (
    harm_alternatives,
    log_mean,
    projection,
    safe_alternatives,
)
from timonel.canary.intervals import contrast_half_width, rate_bounds
from timonel.canary.losses import RHO2, Mean, half_width, log_above, log_below
from timonel.canary.mismatch import ALPHA, log_e, log_increment
from timonel.canary.noise import from_history
from timonel.canary.paired import PairedSums, log_harm, log_safe
from timonel.canary.streams import Streams, compiled
from timonel.terms import Assignment


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.3])
@pytest.mark.parametrize("shift", [0.0, 0.002, 0.1])
@pytest.mark.parametrize("bets", [harm_alternatives, safe_alternatives])
def test_a_block_has_expectation_at_most_1_on_the_whole_boundary(ratio, shift, bets) -> None:
    """Whatever the true rates of a block are on the boundary, nothing can be won on average."""
    rng = np.random.default_rng(0)
    a = 10 ** rng.uniform(-4, -0.5, 2000)
    n_s, n_c = rng.integers(0, 5000, 2000)[:, None], rng.integers(0, 5000, 2000)[:, None]
    r, d = np.full(2000, ratio), np.full(2000, shift)
    b = bets(a, r, d)
    a0, b0 = projection(a[:, None], b, n_s, n_c, r[:, None], d[:, None])
    for factor in (0.3, 0.9, 0.99, 1.0, 1.01, 1.1, 3.0):
        p = np.clip(a0 * factor, 1e-12, (1 - shift) / max(ratio, 1) - 1e-9)
        q = ratio * p + shift
        stable = p * a[:, None] / a0 + (1 - p) * (1 - a[:, None]) / (1 - a0)
        canary = q * b / b0 + (1 - q) * (1 - b) / (1 - b0)
        assert (n_s * np.log(stable) + n_c * np.log(canary)).max() < 1e-9


def test_the_closed_form_of_paired_scoring_is_the_mixture_it_says() -> None:
    """2^(K+1) B(s+1, K-s+1) (1 - I_1/2) is the integral over all worse canaries."""
    theta = (np.arange(400_000) + 0.5) / 800_000 + 0.5
    for worse, better in ((8, 0), (8, 3), (0, 5), (40, 22)):
        mixture = np.mean((2 * theta) ** worse * (2 * (1 - theta)) ** better)
        found = math.exp(log_harm(PairedSums(1000, worse, better), 0.0))
        assert found == pytest.approx(mixture, rel=1e-6)


def test_paired_scoring_is_a_martingale_under_equality() -> None:
    """One more discordant row leaves the expectation as it is or lowers it, for every history."""
    for k in range(30):
        for s in range(k + 1):
            before = math.exp(log_harm(PairedSums(99, s, k - s), 0.0))
            after = [
                math.exp(log_harm(PairedSums(99, s + up, k - s + 1 - up), 0.0)) for up in (0, 1)
            ]
            assert sum(after) / 2 == pytest.approx(before, rel=1e-9)


@pytest.mark.parametrize(
    ("evidence", "margin", "sign"), [(log_harm, 0.01, 1), (log_safe, 0.01, -1)]
)
def test_bets_on_paired_rows_win_nothing_at_the_margin(evidence, margin, sign) -> None:
    """At a difference of just the margin the expectation of a row's factor is 1."""
    up, down = 0.03 + margin, 0.03
    total = 0.0
    n = 3
    for i in range(n + 1):
        for j in range(n + 1 - i):
            chance = math.comb(n, i) * math.comb(n - i, j) * up**i * down**j
            chance *= (1 - up - down) ** (n - i - j)
            total += chance * math.exp(evidence(PairedSums(n, i, j), margin))
    assert total == pytest.approx(1.0, rel=1e-9)
    assert sign * (evidence(PairedSums(5000, 300, 100), margin)) > 0


def test_the_confidence_sequence_of_a_mean_is_the_papers() -> None:
    """The e-value is 1 / alpha just where the published bound touches the margin."""
    n, alpha = 500, 0.03
    grown = n * RHO2 + 1
    half = math.sqrt(2 * grown / (n**2 * RHO2) * math.log1p(math.sqrt(grown) / (2 * alpha)))
    mean = Mean(n, 0.3, 2.0)
    assert log_above(mean, 0.3 - 2 * half) == pytest.approx(-math.log(alpha))
    assert log_below(mean, 0.3 + 2 * half) == pytest.approx(-math.log(alpha))
    assert half_width(mean, 2 * alpha) == pytest.approx(2 * half)


def test_means_are_seldom_called_worse_that_are_not() -> None:
    """Over 2,000 looks at skewed losses, at most 5 % of runs ever cross."""
    rng = np.random.default_rng(3)
    x = rng.exponential(1.0, (400, 2000)) - 1
    n = np.arange(1, 2001)
    mean = np.cumsum(x, axis=1) / n
    sd = np.sqrt(np.maximum(np.cumsum(x**2, axis=1) / n - mean**2, 1e-9))
    crossed = [
        any(
            log_above(Mean(k, mean[i, k - 1], sd[i, k - 1]), 0.0) >= math.log(20) for k in n[99::20]
        )
        for i in range(400)
    ]
    assert np.mean(crossed) <= 0.05


def test_intervals_of_rates_hold_at_all_looks_at_once() -> None:
    """At most 5 % of runs ever leave their interval in 200 looks, however low the rate."""
    rng = np.random.default_rng(4)
    y = np.cumsum(rng.binomial(150, 0.005, (300, 200)), axis=1).astype(float)
    n = 150.0 * np.arange(1, 201)
    left = np.zeros(300, bool)
    for t in range(0, 200, 4):
        low, high = rate_bounds(np.full(300, n[t]), y[:, t], 0.05)
        left |= (low > 0.005) | (high < 0.005)
    assert left.mean() <= 0.05


def test_the_interval_of_a_difference_narrows() -> None:
    """Ten times the evidence narrows it about threefold."""
    few, many = np.array([[100.0, 0.1, 1.0]]), np.array([[10_000.0, 10.0, 100.0]])
    assert contrast_half_width(few, 0.05)[0] > 5 * contrast_half_width(many, 0.05)[0]


def test_a_mean_of_e_values_is_taken_without_overflow() -> None:
    """Logs far beyond a float's range are averaged."""
    assert log_mean(np.array([2000.0, -2000.0])) == pytest.approx(2000 - math.log(2))


def test_sample_ratio_mismatch_is_found_and_not_made_up() -> None:
    """The odds set, or a little off, are quiet for ever; a fifth fewer requests is found."""
    rng = np.random.default_rng(5)
    ends = {}
    for factor in (1.0, 1.05, 0.8):
        canary = rng.binomial(3000, 0.05 * factor, 400)
        steps = [log_increment(3000 - int(c), int(c), 5.0, 0.1) for c in canary]
        ends[factor] = max(log_e(s) for s in np.cumsum(steps, axis=0))
    assert ends[1.0] < -math.log(ALPHA)
    assert ends[1.05] < -math.log(ALPHA)
    assert ends[0.8] > -math.log(ALPHA)


def test_noise_is_what_lasts_not_what_is_shared() -> None:
    """White noise of size 1 is none; an AR(1) of .9 adds up 19 times its variance."""
    rng = np.random.default_rng(6)
    white = rng.normal(size=(10_000, 40))
    lasting = rng.normal(size=(10_000, 40))
    for i in range(1, len(lasting)):
        lasting[i] = 0.9 * lasting[i - 1] + math.sqrt(1 - 0.81) * lasting[i]
    one = np.ones_like(white)
    assert from_history(white, one).mean() < 0.2
    assert 10 < from_history(lasting, one).mean() < 19


def _streams(assignment: Assignment) -> Streams:
    return compiled([], assignment, (4 - 1) * 0.5)


def test_repeated_entities_widen_as_far_as_they_meet_in_a_version() -> None:
    """The variance of the arms' difference, entities differing in what each version does to them."""
    rng = np.random.default_rng(7)
    entities, each, icc, p, w = 4000, 4, 0.5, 0.1, 0.2
    found = {}
    for assignment in Assignment:
        differences = []
        for _ in range(400):
            rates = [rng.beta(p * (1 / icc - 1), (1 - p) * (1 / icc - 1), entities) for _ in "sc"]
            if assignment is Assignment.STICKY:
                drawn = np.repeat(rng.random(entities) < w, each)
            else:
                drawn = rng.random(entities * each) < w
            rate = np.where(drawn, np.repeat(rates[1], each), np.repeat(rates[0], each))
            bad = rng.random(len(rate)) < rate
            differences.append(bad[drawn].mean() - bad[~drawn].mean())
        n = entities * each
        alone = p * (1 - p) * (1 / (n * w) + 1 / (n * (1 - w)))
        found[assignment] = np.var(differences) / alone
        counts = np.array([[n * (1 - w), 0, n * w, 0]])
        said = _streams(assignment).design_effect(counts)[0]
        assert found[assignment] == pytest.approx(said, rel=0.25)
    assert found[Assignment.STICKY] > 1.5 * found[Assignment.REQUEST]
