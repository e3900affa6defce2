"""A few labels: unbiased, with an honest interval, and worth more than labels at random."""

import json

import numpy as np
import pytest

from timonel.errors import BadInput
from timonel.performance.label_efficient import METRICS, estimate_from_labels, plan_labels
from timonel.performance.realised import labelled, realised
from timonel.performance.value import State

Window = tuple[np.ndarray, np.ndarray, np.ndarray]


def fraud(n: int, seed: int, lie: float = 0.0) -> Window:
    """Skewed scores, most of them sure; with `lie` the model is wrong that often whatever its score."""
    rng = np.random.default_rng(seed)
    score = rng.beta(0.3, 1.5, n)
    y = (rng.random(n) < score) ^ (rng.random(n) < lie)
    return y * 1, score, (score > 0.3) * 1


@pytest.mark.parametrize("lie", [0.0, 0.1])
def test_intervals_hold_the_value_on_all_rows(lie: float) -> None:
    """Of 150 draws of 300 labels out of 5,000 rows 90 % or more hold it, also if the scores are wrong."""
    y, score, yhat = fraud(5000, 1, lie)
    truth = realised(labelled(y, score, yhat), METRICS)
    hits: dict[str, list[bool]] = {m: [] for m in truth}
    values: dict[str, list[float]] = {m: [] for m in truth}
    for seed in range(150):
        plan = plan_labels(score, 300, seed=seed)
        r = plan.rows
        for name, m in estimate_from_labels(plan, y[r], score[r], yhat[r]).items():
            hits[name].append(m.lower <= truth[name] <= m.upper)
            values[name].append(float(m))
    assert min(np.mean(x) for x in hits.values()) >= 0.9
    for name in ("accuracy", "precision", "recall"):
        off = abs(np.mean(values[name]) - float(truth[name]))
        assert off < 4 * np.std(values[name]) / np.sqrt(150) + 0.005


def test_it_needs_fewer_labels_than_a_random_sample() -> None:
    """With 300 labels the variance of accuracy and F1 is at most two thirds of that of random labels."""
    y, score, yhat = fraud(5000, 1)
    chosen, random = {"accuracy": [], "f1": []}, {"accuracy": [], "f1": []}
    for seed in range(150):
        plan = plan_labels(score, 300, seed=seed)
        r = plan.rows
        s = np.random.default_rng(seed).choice(5000, 300, replace=False)
        for name, found in chosen.items():
            found.append(float(estimate_from_labels(plan, y[r], score[r], yhat[r])[name]))
            random[name].append(float(realised(labelled(y[s], score[s], yhat[s]))[name]))
    for name, found in chosen.items():
        assert np.var(found) < np.var(random[name]) * 2 / 3


def test_the_plan_is_exact_seeded_and_plain() -> None:
    """As many different rows as asked, the same for the same seed, weights that sum to all rows."""
    score = fraud(2000, 3)[1]
    plan = plan_labels(score, 137, strata=8, seed=5)
    assert len(set(plan.rows.tolist())) == 137
    assert (plan.rows == plan_labels(score, 137, strata=8, seed=5).rows).all()
    assert plan.weight.sum() == pytest.approx(2000)
    assert np.bincount(plan.stratum).min() >= 5
    assert json.loads(json.dumps(plan.to_dict()))["sizes"] == plan.sizes.tolist()


def test_all_rows_labelled_leave_no_doubt() -> None:
    """With a label for every row the value is exact."""
    y, score, yhat = fraud(300, 2)
    plan = plan_labels(score, 300)
    r = plan.rows
    found = estimate_from_labels(plan, y[r], score[r], yhat[r])
    truth = realised(labelled(y, score, yhat), METRICS)
    assert {k: float(v) for k, v in found.items()} == pytest.approx(
        {k: float(v) for k, v in truth.items()}, abs=1e-12
    )


def test_labels_that_did_not_come_are_spoken_for_or_make_it_immature() -> None:
    """Some missing labels widen the interval; a stratum without any gives no value."""
    y, score, yhat = fraud(3000, 2)
    plan = plan_labels(score, 200)
    r = plan.rows
    labels = y[r].astype(float)
    whole = estimate_from_labels(plan, labels, score[r], yhat[r])["accuracy"]
    labels[1::2] = np.nan
    some = estimate_from_labels(plan, labels, score[r], yhat[r])["accuracy"]
    assert some.upper - some.lower > whole.upper - whole.lower
    assert some.n == np.isfinite(labels).sum()
    labels[plan.stratum == 2] = np.nan
    late = estimate_from_labels(plan, labels, score[r], yhat[r])["accuracy"]
    assert late.state is State.IMMATURE


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([0.1, np.nan], 5), "not a column of numbers"),
        (([0.1, 1.5], 5), "not a column of numbers"),
        (([0.5] * 10, 11), "budget is 11"),
        (([0.5] * 10, 2), "budget is 2"),
    ],
)
def test_impossible_plans_are_named(arguments: tuple[object, ...], says: str) -> None:
    """The message says what was asked and what is possible."""
    with pytest.raises(BadInput, match=says):
        plan_labels(*arguments)


def test_labels_of_another_plan_are_refused() -> None:
    """There is one label for each row of the plan."""
    plan = plan_labels([0.5] * 50, 10)
    with pytest.raises(BadInput, match="3 labels, expected 10"):
        estimate_from_labels(plan, [1, 0, 1], [0.5] * 3, [1] * 3)
    with pytest.raises(BadInput, match="'auc' cannot be estimated so"):
        estimate_from_labels(plan, [1] * 10, [0.5] * 10, [1] * 10, metrics=["auc"])


def test_equal_scores_make_one_stratum_at_least() -> None:
    """A score that says nothing still gives a sample."""
    plan = plan_labels(np.zeros(100), 20)
    assert len(plan.rows) == 20
    assert plan.weight.sum() == pytest.approx(100)
