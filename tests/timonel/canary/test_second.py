"""The second verdict: matured labels of equal vintage decide again."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from timonel.canary import Pair, Second, Vintage, second_verdict

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
