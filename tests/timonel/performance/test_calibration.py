"""Calibration: scikit-learn's curves, from numpy alone."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from timonel.performance.calibration import Calibrator, fit_calibrator, isotonic, platt


def test_isotonic_regression_is_that_of_scikit_learn() -> None:
    """Pooling adjacent violators gives the weighted least squares fit."""
    rng = np.random.default_rng(0)
    y, w = np.sort(rng.random(300)) + rng.normal(0, 0.3, 300), rng.uniform(0.1, 5, 300)
    expected = IsotonicRegression().fit_transform(np.arange(300), y, sample_weight=w)
    assert isotonic(y, w) == pytest.approx(expected, abs=1e-12)


def test_platt_is_a_logistic_regression_on_the_log_odds() -> None:
    """With many rows the prior does not count, and the curve is that of scikit-learn."""
    rng = np.random.default_rng(0)
    score = rng.uniform(0.05, 0.95, 50_000)
    odds = np.log(score / (1 - score))
    y = rng.random(50_000) < 1 / (1 + np.exp(-(0.5 * odds - 1)))
    fitted = platt(score, np.ones(50_000), y.astype(float))
    expected = LogisticRegression(C=1e9).fit(odds[:, None], y)
    assert fitted.offset == pytest.approx(expected.intercept_[0], abs=2e-3)
    assert fitted.slope == pytest.approx(expected.coef_[0, 0], abs=2e-3)


@pytest.mark.parametrize(("n", "method"), [(600, "platt"), (8000, "isotonic")])
def test_overconfident_scores_become_probabilities(n: int, method: str) -> None:
    """What the calibrator says is within 4 of its own standard errors of the truth nearly everywhere."""
    rng = np.random.default_rng(1)
    true = rng.uniform(0.02, 0.98, n)
    odds = 2 * np.log(true / (1 - true))
    score = 1 / (1 + np.exp(-odds))
    calibrator = fit_calibrator(score, rng.random(n) < true, rng, 100)
    assert calibrator.method == method
    error = np.abs(calibrator(score) - true)
    sd = np.std([calibrator.replicate(b, score) for b in range(100)], axis=0)
    assert (error < 4 * sd + 0.01).mean() > 0.97
    assert error.mean() < 0.03


def test_separable_and_constant_scores_are_borne() -> None:
    """A perfect score, and one that says nothing, give finite probabilities."""
    y = np.arange(400) >= 200
    rng = np.random.default_rng(0)
    perfect = fit_calibrator(np.where(y, 0.9, 0.1), y, rng, 10)
    assert perfect(np.array([0.1, 0.9])) == pytest.approx([0, 1], abs=0.02)
    constant = fit_calibrator(np.full(400, 0.3), y, rng, 10)
    assert constant(np.array([0.3])) == pytest.approx([0.5], abs=0.02)
    assert np.isfinite(constant.replicates).all()


def test_a_calibrator_goes_through_json() -> None:
    """to_dict and from_dict are inverse."""
    rng = np.random.default_rng(0)
    score = rng.random(300)
    calibrator = fit_calibrator(score, rng.random(300) < score, rng, 5)
    again = Calibrator.from_dict(calibrator.to_dict())
    assert (again(score) == calibrator(score)).all()
    assert (again.replicate(3, score) == calibrator.replicate(3, score)).all()
