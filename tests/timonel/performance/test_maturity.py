"""Arrival of labels: the curve, the maturity age, and weights that repair early reads."""

import numpy as np
import pytest

from timonel.errors import BadInput
from timonel.performance.maturity import (
    arrival_weights,
    effective_sample_size,
    fit_arrival,
    fit_arrival_by_class,
)
from timonel.performance.realised import labelled, realised
from timonel.performance.value import State
from timonel.performance.vintage import Cohort, equal_vintage, matured

Log = dict[str, np.ndarray]


def log(n: int, seed: int, oldest: float = 60.0, slip: float = 0.0) -> Log:
    """Predictions of the last days; labels of negatives take 2 days on average, of positives 15."""
    rng = np.random.default_rng(seed)
    score = rng.beta(1.2, 2, n)
    y = rng.random(n) < score
    age = rng.uniform(0, oldest, n)
    delay = rng.exponential(np.where(y, 15.0, 2.0))
    yhat = (score > 0.5) ^ (rng.random(n) < slip)
    return {
        "y": y * 1,
        "score": score,
        "yhat": yhat * 1,
        "age": age,
        "delay": np.where(delay <= age, delay, np.nan),
    }


def arrived(rows: Log, youngest: float = 0.0, until: float = np.inf) -> Log:
    keep = ~np.isnan(rows["delay"]) & (rows["age"] >= youngest) & (rows["age"] <= until)
    return {k: v[keep] for k, v in rows.items()}


def test_the_curve_of_all_predictions_counts_the_young_ones_rightly() -> None:
    """Within 3 standard errors of the true share at each age, though most labels are still missing."""
    rng = np.random.default_rng(0)
    age, delay = rng.uniform(0, 30, 20_000), rng.exponential(10, 20_000)
    curve = fit_arrival(np.where(delay <= age, delay, np.nan), age)
    for at in (1.0, 5.0, 10.0, 20.0):
        error = curve.error[np.searchsorted(curve.ages, at) - 1]
        assert curve.at(at) == pytest.approx(1 - np.exp(-at / 10), abs=3 * error)
        assert error < 0.02
    assert curve.at(0) == 0
    assert curve.n == 20_000


def test_without_censoring_the_curve_is_the_share_that_arrived() -> None:
    """Kaplan and Meier's curve is then the empirical distribution."""
    curve = fit_arrival([1, 2, 2, 5], [9, 9, 9, 9])
    assert curve.at([0.5, 1, 2, 4.9, 5]).tolist() == pytest.approx([0, 0.25, 0.75, 0.75, 1])


def test_the_curves_of_the_classes_are_found_without_the_missing_labels() -> None:
    """Right truncation is undone: each class's curve is true within .05 although late labels are unseen."""
    rows = arrived(log(40_000, 1, oldest=80))
    curves = fit_arrival_by_class(rows["y"], rows["delay"], rows["age"])
    for label, mean in ((0, 2.0), (1, 15.0)):
        for at in (1.0, 5.0, 20.0, 40.0):
            assert curves[label].at(at) == pytest.approx(1 - np.exp(-at / mean), abs=0.05)
    naive = (rows["delay"][rows["y"] == 1] <= 5).mean()
    assert naive > 1 - np.exp(-5 / 15) + 0.05


def test_the_maturity_age_is_that_of_the_labels_that_come() -> None:
    """95 and 99 % ages lie in their intervals, also if a tenth of the labels never comes."""
    rng = np.random.default_rng(2)
    age, delay = rng.uniform(0, 100, 30_000), rng.exponential(5, 30_000)
    delay[rng.random(30_000) < 0.1] = np.inf
    curve = fit_arrival(np.where(delay <= age, delay, np.nan), age)
    assert curve.plateau == pytest.approx(0.9, abs=0.02)
    for share in (0.95, 0.99):
        found = curve.maturity_age(share)
        assert found.lower <= -5 * np.log(1 - share) * 1.1
        assert found.upper >= -5 * np.log(1 - share) * 0.9
        assert float(found) == pytest.approx(-5 * np.log(1 - share), rel=0.15)


def test_a_curve_that_still_rises_has_no_maturity_age() -> None:
    """If the log is too short to see the late labels, the answer is immature and not a number."""
    rng = np.random.default_rng(3)
    age, delay = rng.uniform(0, 10, 5000), rng.exponential(20, 5000)
    curve = fit_arrival(np.where(delay <= age, delay, np.nan), age)
    assert curve.maturity_age(0.95).state is State.IMMATURE
    assert fit_arrival([np.nan], [3.0]).maturity_age().state is State.NO_DATA
    with pytest.raises(BadInput, match="share is 1"):
        curve.maturity_age(1.0)


def test_weights_repair_what_slow_positives_distort() -> None:
    """On predictions under 8 days old the labels mislead by far, and with weights they do not."""
    history = arrived(log(40_000, 4, oldest=90))
    curves = fit_arrival_by_class(history["y"], history["delay"], history["age"])
    everything = log(20_000, 5, oldest=8)
    truth = realised(labelled(everything["y"], everything["score"], everything["yhat"]))
    early = arrived(everything)
    columns = (early["y"], early["score"], early["yhat"])
    naive = realised(labelled(*columns))
    weight = arrival_weights(curves, early["y"], early["age"])
    mended = realised(labelled(*columns, weight=weight))
    for name in ("accuracy", "precision"):
        assert abs(float(naive[name]) - float(truth[name])) > 0.05
    for name in ("accuracy", "precision", "recall", "f1", "auc"):
        assert mended[name].lower - 0.01 <= truth[name] <= mended[name].upper + 0.01
    assert effective_sample_size(weight) < 0.8 * len(weight)


def test_weights_are_clipped() -> None:
    """A label of an age at which hardly any has arrived speaks for 50 predictions, not for thousands."""
    history = arrived(log(5000, 4))
    curves = fit_arrival_by_class(history["y"], history["delay"], history["age"])
    weight = arrival_weights(curves, [1, 1, 0], [0.0, 1e-6, 50.0])
    assert weight.tolist()[:2] == [50, 50]
    assert weight[2] == pytest.approx(1)
    with pytest.raises(BadInput, match="no arrival curve for the class '7'"):
        arrival_weights(curves, [7], [1.0])


def test_the_effective_sample_size_counts_equal_rows_in_full() -> None:
    """Equal weights are worth their number, one great weight is worth about one."""
    assert effective_sample_size(np.full(40, 3.0)) == pytest.approx(40)
    assert effective_sample_size([1000.0, 1, 1, 1]) == pytest.approx(1, abs=0.01)
    assert effective_sample_size([]) == 0


@pytest.mark.parametrize(
    ("delay", "age"), [([5.0], [3.0]), ([-1.0], [3.0]), ([1.0], [np.nan]), ([1.0], [1.0, 2.0])]
)
def test_impossible_arrivals_are_named(delay: list[float], age: list[float]) -> None:
    """A label from the future or from before its prediction is an error, not a data point."""
    with pytest.raises(BadInput, match=r"impossible age or delay|shape"):
        fit_arrival(delay, age)


def test_matured_rows_come_once_and_in_prediction_order() -> None:
    """Calls in sequence give each mature row once; a label later than the age never comes."""
    at = np.array([3.0, 1.0, 2.0, 4.0, 8.0])
    arrived_at = np.array([4.0, 2.0, 9.0, np.nan, 8.5])
    assert matured(at, arrived_at, age=5, now=7).tolist() == [1]
    assert matured(at, arrived_at, age=5, now=8, since=7).tolist() == [0]
    assert matured(at, arrived_at, age=5, now=13, since=8).tolist() == [4]
    assert matured(at, arrived_at, age=5, now=13).tolist() == [1, 0, 4]


def cohort(rows: Log) -> Cohort:
    return Cohort(labelled(rows["y"], rows["score"], rows["yhat"]), rows["delay"], rows["age"])


def test_cohorts_are_compared_at_an_equal_age() -> None:
    """A young and an old cohort of one model differ as they stand, and not at equal vintage."""
    old, young = cohort(log(20_000, 6, oldest=90)), cohort(log(20_000, 7, oldest=10))
    as_they_stand = [
        float(realised(c.labelled.select(~np.isnan(c.delay)))["accuracy"]) for c in (old, young)
    ]
    assert as_they_stand[1] - as_they_stand[0] > 0.04
    fair = equal_vintage(old, young)
    assert fair.vintage == pytest.approx(5, abs=0.2)
    assert fair.difference.lower <= 0 <= fair.difference.upper
    assert fair.difference.upper - fair.difference.lower < 0.04


def test_a_worse_model_is_seen_at_an_equal_age() -> None:
    """A young cohort in which a tenth of the predictions went wrong is worse at equal vintage."""
    old, young = (
        cohort(log(20_000, 6, oldest=90)),
        cohort(log(20_000, 7, oldest=10, slip=0.1)),
    )
    found = equal_vintage(old, young, "accuracy", vintage=4.0)
    assert found.difference.upper < -0.03
    assert found.to_dict()["metric"] == "accuracy"
