"""The verdicts of the gates: what they conclude, how often they err, and what they refuse to judge."""

import numpy as np
import pytest
from numpy.typing import NDArray

from timonel.retraining.gates import Contrast, Verdict, holm, paired, slices, superior, within

ALPHA = 0.05


def drawn(rng: np.random.Generator, n: int, mean: float = 0.0, per_entity: int = 1) -> Contrast:
    """A challenger whose loss differs by `mean`; rows of an entity differ alike."""
    shift: NDArray[np.float64] = np.repeat(rng.normal(mean, 1, n // per_entity), per_entity)
    entity = np.repeat(np.arange(n // per_entity), per_entity) if per_entity > 1 else None
    return paired(shift, np.zeros(len(shift)), entity)


@pytest.mark.parametrize("per_entity", [1, 20])
def test_equal_models_are_called_superior_at_most_alpha_of_the_time(per_entity: int) -> None:
    """Alone and in entities; without the entities it would be several times as often."""
    rng = np.random.default_rng(1)
    found = [drawn(rng, 1000, per_entity=per_entity) for _ in range(1000)]
    share = np.mean([superior(c, ALPHA) is Verdict.HOLDS for c in found])
    assert 0.025 < share < 0.075


def test_entities_widen_the_interval() -> None:
    """Twenty equal rows of an entity weigh as one: the standard error is sqrt(20) times as large."""
    value = np.random.default_rng(2).normal(size=50).repeat(20)
    zero, entity = np.zeros(1000), np.arange(50).repeat(20)
    alone, together = paired(value, zero), paired(value, zero, entity)
    assert together.units == 50
    assert together.error / alone.error == pytest.approx(20**0.5, rel=0.02)


def test_a_better_challenger_is_found_and_a_worse_one_is_not() -> None:
    """The detectable difference is found four times out of five."""
    rng = np.random.default_rng(3)
    least = drawn(rng, 500).detectable(ALPHA)
    better = [superior(drawn(rng, 500, -least), ALPHA) is Verdict.HOLDS for _ in range(300)]
    worse = [superior(drawn(rng, 500, least), ALPHA) is Verdict.HOLDS for _ in range(300)]
    assert 0.7 < np.mean(better) < 0.9
    assert not any(worse)


def test_no_difference_seen_is_not_shown_to_be_harmless() -> None:
    """Few rows whose interval holds both 0 and the margin do not pass."""
    assert within(Contrast(0.0, 0.02, 100, 100), 0.03, ALPHA) is Verdict.FAILS
    assert within(Contrast(0.0, 0.01, 100, 100), 0.03, ALPHA) is Verdict.HOLDS


@pytest.mark.parametrize("units", [0, 1, 29])
def test_too_few_units_pass_nothing(units: int) -> None:
    """However good the few look, and their interval has a state instead of numbers."""
    few = paired(np.full(units, -5.0), np.zeros(units))
    assert superior(few, ALPHA) is within(few, 1.0, ALPHA) is Verdict.FAILS
    assert slices([few], [1.0], ALPHA) == [Verdict.UNDECIDED]
    assert few.interval(ALPHA).value is None


def test_identical_answers_are_within_any_margin_and_not_superior() -> None:
    """There is no difference and no doubt about it."""
    same = paired(np.ones(100), np.ones(100))
    assert within(same, 1e-9, ALPHA) is Verdict.HOLDS
    assert superior(same, ALPHA) is Verdict.FAILS


def test_one_bad_slice_among_ten_is_found_and_equal_ones_are_left_alone() -> None:
    """Of equal challengers 5 % at most are refused for any slice."""
    rng = np.random.default_rng(4)
    refused = found = 0
    for _ in range(400):
        equal = [drawn(rng, 300) for _ in range(10)]
        refused += Verdict.FAILS in slices(equal, [0.1] * 10, ALPHA)
        spoilt = [drawn(rng, 300, 0.3), *equal[1:]]
        found += slices(spoilt, [0.1] * 10, ALPHA)[0] is Verdict.FAILS
    assert refused / 400 < 0.08
    assert found / 400 > 0.9


def test_a_sure_loss_within_the_margin_is_allowed() -> None:
    """With many rows a slice that is surely worse, and surely by less than the margin, holds."""
    assert slices([Contrast(0.01, 0.001, 9999, 9999)], [0.05], ALPHA) == [Verdict.HOLDS]


def test_holm_stops_at_the_first_that_is_not_rejected() -> None:
    """The smallest p has to pass alpha over all, the next alpha over one less."""
    assert holm([0.04, 0.01, 0.02], ALPHA) == [True, True, True]
    assert holm([0.03, 0.01, 0.03], ALPHA) == [False, True, False]
    assert holm([], ALPHA) == []
