"""The second verdict: matured labels of equal vintage decide again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from timonel.canary import (
    Pair,
    Paired,
    PairedVintage,
    Second,
    Vintage,
    second_verdict,
    second_verdict_paired,
)

AT = datetime(2026, 3, 2, tzinfo=UTC)


def pairs(rate: float, days: int = 14, seed: int = 0) -> list[Pair]:
    """Days of which the base rate doubles midway for both versions."""
    rng = np.random.default_rng(seed)
    made = []
    for day in range(days):
        factor = 1 + (day >= days // 2)
        arms = [
            Vintage(n, int(0.95 * n), int(rng.binomial(int(0.95 * n), p * factor)))
            for n, p in ((2000, 0.04), (6000, rate))
        ]
        start = AT + timedelta(days=day)
        made.append(Pair(start, start + timedelta(days=1), *arms))
    return made


@pytest.mark.parametrize(
    ("rate", "margin", "verdict"),
    [(0.06, 0.01, Second.ROLLBACK), (0.04, 0.02, Second.KEEP), (0.04, 0.0005, Second.UNDECIDED)],
)
def test_matured_labels_decide(rate: float, margin: float, verdict: Second) -> None:
    """Worse is rolled back, as good is kept, and what the labels cannot tell stays open."""
    found = second_verdict(pairs(rate), margin=margin)
    assert found.verdict is verdict
    assert "labelled rows" in found.reasons[0]
    assert found.difference.lower <= found.difference.value <= found.difference.upper


def test_unequal_vintages_are_left_out_and_said() -> None:
    """Labels of one version that are fewer, younger or missing are no comparison, and no pass."""
    start, end = AT, AT + timedelta(days=1)
    old = Vintage(1000, 950, 40)
    unfit = [
        Pair(start, end, old, Vintage(1000, 850, 20)),
        Pair(start, end, old, Vintage(1000, 300, 20)),
        Pair(start, end, old, Vintage(0, 0, 0)),
    ]
    found = second_verdict(unfit, margin=0.01)
    assert found.verdict is Second.UNDECIDED
    assert len(found.left_out) == 3
    assert found.vintages == 0
    assert found.difference.value is None


def test_it_may_be_asked_every_day() -> None:
    """Equal versions asked on each of 14 days are rolled back in at most 5 % of 200 releases."""
    wrong = 0
    for seed in range(200):
        made = pairs(0.04, seed=seed)
        looks = (second_verdict(made[: day + 1], margin=0.01) for day in range(0, 14, 3))
        wrong += any(look.verdict is Second.ROLLBACK for look in looks)
    assert wrong <= 10


def replayed(more: float, days: int = 14, seed: int = 0, n: int = 2000) -> list[PairedVintage]:
    """Days of n rows that both scored: each version alone wrong in 2 %, the new one in `more` besides."""
    rng = np.random.default_rng(seed)
    made = []
    for day in range(days):
        up, down = int(rng.binomial(n, 0.02 + more)), int(rng.binomial(n, 0.02))
        start = AT + timedelta(days=day)
        rows = Paired(n, up, down)
        made.append(PairedVintage(start, start + timedelta(days=1), 90_000, 85_000, rows))
    return made


@pytest.mark.parametrize(
    ("more", "margin", "verdict"),
    [(0.01, 0.01, Second.ROLLBACK), (0.0, 0.01, Second.KEEP), (0.0, 0.0002, Second.UNDECIDED)],
)
def test_rows_that_both_versions_scored_decide(more: float, margin: float, verdict: Second) -> None:
    """One point more errors goes back, none is kept, and what the rows cannot tell stays open."""
    found = second_verdict_paired(replayed(more), margin=margin)
    assert found.verdict is verdict
    assert "labelled rows that both scored" in found.reasons[0]
    assert found.vintages == 14


def test_pairs_decide_days_before_what_each_version_served() -> None:
    """One point more errors shows on the first day's rows if both score them, and days later if one does."""
    by_pairs = second_verdict_paired(replayed(0.01, days=1, n=7600), margin=0.01)
    served = second_verdict(pairs(0.05)[:1], margin=0.01, base_rate=0.04)
    assert (by_pairs.verdict, served.verdict) == (Second.ROLLBACK, Second.UNDECIDED)


def test_asked_each_day_equal_versions_stay() -> None:
    """By pairs, too, at most 5 % of 100 equal versions are rolled back over 14 looks."""
    looks = [replayed(0.0, seed=seed) for seed in range(100)]
    wrong = sum(
        any(
            second_verdict_paired(v[: d + 1], margin=0.01).verdict is Second.ROLLBACK
            for d in range(14)
        )
        for v in looks
    )
    assert wrong <= 5


def test_vintages_whose_labels_are_not_there_are_left_out() -> None:
    """Half of the labels, or hardly a row: said, and no pass."""
    start, end = AT, AT + timedelta(days=1)
    young = PairedVintage(start, end, 1000, 500, Paired(500, 0, 0))
    found = second_verdict_paired([young, replace(young, rows=Paired(3, 0, 0))], margin=0.01)
    assert found.verdict is Second.UNDECIDED
    assert "50% of the labels" in found.left_out[0]
    assert found.vintages == 0
