from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from timonel.diagnosis.columns import Column
from timonel.diagnosis.learner import BINS, boost, cross_fitted
from timonel.diagnosis.loss import log_loss, log_odds, logistic, shifted
from timonel.diagnosis.onset import onset
from timonel.diagnosis.resampling import DAY, Resamples, measured
from timonel.diagnosis.steps.domain import auc
from timonel.diagnosis.steps.quality import rank_mapped, swapped_rows

START = datetime(2026, 1, 5, tzinfo=UTC)


def micros(days: np.ndarray) -> np.ndarray:
    return (days * DAY).astype(np.int64) + int(START.timestamp() * 1e6)


def test_boosting_learns_an_interaction_that_no_single_column_tells() -> None:
    """Exclusive or of two columns, out of sample."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, BINS, (6000, 3)).astype(np.uint8)
    outcome = ((codes[:, 0] > 15) ^ (codes[:, 1] > 15)).astype(np.float64)
    none = np.zeros(3, dtype=np.bool_)
    logit, gain = cross_fitted(
        boost, codes, none, outcome, np.zeros(6000), np.arange(6000) % 2, rng
    )
    assert auc(logit[outcome == 0], logit[outcome == 1]) > 0.95
    assert gain[2] < 0.1 * gain[:2].min()


def test_boosting_finds_nothing_in_noise() -> None:
    """Out of sample it loses less than a hundredth of the loss."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, BINS, (6000, 5)).astype(np.uint8)
    outcome = (rng.random(6000) < 0.2).astype(np.float64)
    none = np.zeros(5, dtype=np.bool_)
    fold = np.arange(6000) % 2
    logit, _ = cross_fitted(boost, codes, none, outcome, np.zeros(6000), fold, rng)
    flat = log_loss(outcome, np.full(6000, outcome.mean())).mean()
    assert log_loss(outcome, logistic(logit)).mean() < 1.03 * flat


def test_the_onset_is_found_to_a_few_windows() -> None:
    """A step of one standard deviation in noisy rows, on day 17.5 of 28."""
    rng = np.random.default_rng(1)
    days = np.sort(rng.random(20_000) * 28)
    values = rng.standard_normal(20_000) + (days > 17.5)
    found = onset(micros(days), values, int(micros(np.array([14.0]))[0]))
    assert found is not None
    assert abs(found - (START + timedelta(days=17.5))) < timedelta(hours=12)


def test_no_onset_in_noise() -> None:
    """Nothing pays the penalty of a change."""
    rng = np.random.default_rng(1)
    days = np.sort(rng.random(20_000) * 28)
    assert (
        onset(micros(days), rng.standard_normal(20_000), int(micros(np.array([14.0]))[0])) is None
    )


def test_rows_of_a_day_that_are_alike_widen_the_interval() -> None:
    """The interval of a mean follows days, not rows."""
    rng = np.random.default_rng(2)
    days = np.sort(rng.random(20_000) * 20)
    own = rng.standard_normal(20_000)
    shared = rng.standard_normal(20)[days.astype(int)]
    resamples = Resamples.draw(micros(days), rng)
    narrow, wide = (measured(resamples.means(v), 20_000) for v in (own, own + shared))
    width = [float(m.upper or 0) - float(m.lower or 0) for m in (narrow, wide)]
    assert width[0] == pytest.approx(2 * 1.96 / np.sqrt(20_000), rel=0.4)
    assert width[1] > 10 * width[0]


def test_a_rank_map_undoes_any_rising_change() -> None:
    """Values come back to the reference's distribution in their order; missing ones stay missing."""
    rng = np.random.default_rng(3)
    before = rng.standard_normal(5000)
    now = np.exp(before[::-1]) * 100
    now[0] = np.nan
    mapped = rank_mapped(Column("x", None, 0, before, now))
    assert np.isnan(mapped[0])
    assert np.abs(mapped[1:] - before[::-1][1:]).max() < 0.5


def test_swapped_values_are_told_row_by_row() -> None:
    """Two columns of other scales, a third of the rows swapped."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 1, 3000), rng.normal(30, 5, 3000)
    swapped = np.arange(3000) % 3 == 0
    now = np.where(swapped, b, a), np.where(swapped, a, b)
    columns = (Column("a", None, 0, a, now[0]), Column("b", None, 0, b, now[1]))
    assert (swapped_rows(columns[0], columns[1], now) == swapped).mean() > 0.99
    assert swapped_rows(columns[0], columns[1], (a, b)).mean() < 0.01


def test_the_shift_of_log_odds_is_the_one_that_fits() -> None:
    """Bounded scores moved by 1 come back."""
    rng = np.random.default_rng(5)
    chance = rng.beta(1, 5, 50_000)
    outcome = (rng.random(50_000) < logistic(log_odds(chance) + 1)).astype(np.float64)
    assert shifted(chance, outcome) == pytest.approx(1.0, abs=0.05)
