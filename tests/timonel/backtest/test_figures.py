"""Figures over many periods, and the difference between two policies."""

import numpy as np
import pytest

from timonel.backtest.figures import COST, Parts, figure, figures, names_for, scaled, shortfall
from timonel.config import Costs
from timonel.performance.realised import Labelled, realised
from timonel.performance.value import Measured, State

COSTS = Costs(false_positive=2, false_negative=7)


def part(n: int, rng: np.random.Generator, skill: float = 1.0, shift: float = 0.0) -> Labelled:
    """Predictions of a model: `shift` is that of its score's scale."""
    label = (rng.random(n) < 0.3).astype(np.intp)
    score = 1 / (1 + np.exp(-(skill * label + rng.normal(size=n) + shift)))
    return rows(label, score)


def rows(label: np.ndarray, score: np.ndarray) -> Labelled:
    two = np.stack([1 - score, score], axis=1)
    return Labelled((0, 1), label, (score >= 0.5).astype(np.intp), two, np.ones(len(label)))


def pairs(parts: Parts) -> tuple[float, float]:
    """By brute force: right pairs of a positive and a negative of one part, and all such pairs."""
    right = total = 0.0
    for p in parts:
        a, b = p.score[p.label == 1, 1], p.score[p.label == 0, 1]
        right += (a[:, None] > b).sum() + 0.5 * (a[:, None] == b).sum()
        total += len(a) * len(b)
    return right, total


def test_auc_ranks_rows_within_their_period() -> None:
    """It is the share of right pairs, none of rows that two models scored on two scales."""
    rng = np.random.default_rng(1)
    parts = [part(n, rng, shift=s) for n, s in ((60, -3), (200, 3), (1, 0), (0, 0), (90, 0))]
    right, total = pairs(parts)
    assert float(figure("auc", parts, COSTS)) == pytest.approx(right / total)


def test_other_figures_are_those_of_all_rows_together() -> None:
    """Counts add up."""
    rng = np.random.default_rng(2)
    parts = [part(n, rng) for n in (50, 0, 150)]
    label, score = (
        np.concatenate(x) for x in zip(*[(p.label, p.score[:, 1]) for p in parts], strict=True)
    )
    together = realised(rows(label, score))
    for name in ("accuracy", "precision", "recall", "f1"):
        assert figure(name, parts, COSTS) == together[name]


def test_cost_is_the_mean_of_what_the_decisions_cost() -> None:
    """A false alarm costs 2 here, a miss 7."""
    label = np.array([0, 0, 1, 1, 1] * 4)
    score = np.array([0.9, 0.1, 0.1, 0.2, 0.8] * 4)
    cost = figure(COST, [rows(label, score)], COSTS)
    assert cost.value == pytest.approx((2 + 7 + 7) / 5)
    assert cost.n == 20


def test_what_has_no_value_says_why() -> None:
    """No rows, too few, one class: states, never 0 or NaN."""
    none = [rows(np.empty(0, dtype=np.intp), np.empty(0))]
    few = [rows(np.array([0, 1, 1]), np.array([0.2, 0.4, 0.9]))]
    one = [rows(np.zeros(50, dtype=np.intp), np.full(50, 0.2))]
    assert {m.state for m in figures(none, 2, COSTS).values()} == {State.NO_DATA}
    assert {m.state for m in figures(few, 2, COSTS).values()} == {State.TOO_FEW}
    assert figure("auc", one, COSTS).state is State.UNDEFINED
    assert figure("accuracy", one, COSTS).value == 1
    assert shortfall("auc", one, one, COSTS).state is State.UNDEFINED
    assert shortfall("auc", few, few, COSTS).state is State.TOO_FEW
    assert shortfall("auc", none, none, COSTS).state is State.NO_DATA


def test_more_than_two_classes_have_no_cost() -> None:
    """Costs are those of a false alarm and a miss."""
    assert COST in names_for(2)
    assert COST not in names_for(3)


@pytest.mark.parametrize("name", ["auc", "accuracy", "f1", COST])
def test_the_shortfall_is_worse_minus_better_with_an_interval_that_covers(name: str) -> None:
    """Paired on the same rows: 95 % of the intervals hold the difference of the two models (400 draws)."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Parts, Parts]:
        label = (rng.random(n) < 0.3).astype(np.intp)
        shared = rng.normal(size=n)
        good, bad = (
            1 / (1 + np.exp(-(s * label + shared + 0.5 * rng.normal(size=n) - 0.5)))
            for s in (1.5, 1.0)
        )
        half = n // 2
        cut = (slice(0, half), slice(half, n))
        return [rows(label[c], good[c]) for c in cut], [rows(label[c], bad[c]) for c in cut]

    rng = np.random.default_rng(3)
    good, bad = draw(rng, 200_000)
    truth = float(shortfall(name, bad, good, COSTS))
    assert truth > 0
    drawn = (draw(rng, 400) for _ in range(400))
    found = [shortfall(name, bad, good, COSTS) for good, bad in drawn]
    covered = np.mean([m.lower <= truth <= m.upper for m in found])  # type: ignore[operator]
    assert 0.92 <= covered <= 0.98


def test_the_same_predictions_fall_short_of_themselves_by_nothing() -> None:
    """Of retraining always the regret is exactly 0."""
    parts = [part(100, np.random.default_rng(4))]
    assert shortfall("auc", parts, parts, COSTS) == Measured(0.0, 0.0, 0.0, 100)


def test_a_value_can_be_put_in_another_unit() -> None:
    """Interval and all; what has no value keeps its state."""
    assert scaled(Measured(0.5, 0.25, 1.0, 9), 1000) == Measured(500.0, 250.0, 1000.0, 9)
    assert scaled(Measured.absent(State.NO_DATA), 1000).state is State.NO_DATA
