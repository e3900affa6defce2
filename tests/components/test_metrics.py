"""Metrics by name, their resampled forms, and the threshold."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sk

from timonel.config import Costs
from timonel.errors import BadInput
from timonel_components.evaluation.resampled import RESAMPLED
from timonel_components.metrics.figures import (
    METRICS,
    UndefinedMetric,
    metric,
    metrics_for,
)
from timonel_components.metrics.known import higher_is_better
from timonel_components.metrics.scored import Scored
from timonel_components.metrics.threshold import best_threshold

COSTS = Costs(false_positive=1, false_negative=4)


def scored(classes: int = 2, n: int = 400) -> Scored:
    """Rows with scores that have ties, and classes that follow them."""
    rng = np.random.default_rng(classes)
    p = rng.dirichlet(np.ones(classes), n).round(2) + 0.005
    p /= p.sum(axis=1, keepdims=True)
    y = np.array([rng.choice(classes, p=row) for row in p])
    return Scored(y, p, 0.3, COSTS)


def drawn(n: int) -> NDArray[np.float64]:
    """How often each row is drawn in five resamples."""
    rng = np.random.default_rng(1)
    return np.stack([np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(5)]) * 1.0


@pytest.mark.parametrize("classes", [2, 3])
def test_every_metric_has_a_resampled_form_that_agrees_on_unit_weights(classes: int) -> None:
    """With every row drawn once the resampled form is the metric itself."""
    rows = scored(classes)
    for m in metrics_for(classes):
        value = RESAMPLED[m.name](rows, np.ones((1, len(rows))))[0]
        assert value == pytest.approx(m.of(rows), abs=1e-9), m.name


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_resample_gives_what_scikit_learn_gives_on_the_drawn_rows(name: str) -> None:
    """Weights stand for drawn rows: repeating the rows gives the same figure."""
    rows = scored()
    weights = drawn(len(rows))
    values = RESAMPLED[name](rows, weights)
    for value, weight in zip(values, weights, strict=True):
        repeated = rows.take(np.repeat(np.arange(len(rows)), weight.astype(int)))
        expected = metric(name).of(repeated)
        # the groups of calibration error are those of the original rows
        assert value == pytest.approx(expected, abs=0.02 if name == "ece" else 1e-9)


def test_figures_of_two_classes_are_those_of_the_positive_one() -> None:
    """Precision, recall and F1 are of class 1 at the threshold, with `>=`."""
    rows = scored()
    alarm = rows.p[:, 1] >= 0.3
    assert metric("precision")(rows.y, rows.p, 0.3) == sk.precision_score(rows.y, alarm)
    assert metric("recall")(rows.y, rows.p, 0.3) == sk.recall_score(rows.y, alarm)
    assert metric("alert_rate")(rows.y, rows.p, 0.3) == alarm.mean()


def test_cost_is_the_mean_of_what_the_errors_cost() -> None:
    """Two false alarms and one miss over four rows cost (2 x 1 + 4) / 4."""
    p = np.array([[0.1, 0.9], [0.1, 0.9], [0.9, 0.1], [0.9, 0.1]])
    assert metric("cost")(np.array([0, 0, 1, 0]), p, 0.5, COSTS) == pytest.approx(1.5)


def test_an_unknown_metric_is_refused_with_the_known_ones() -> None:
    """The message lists what there is."""
    with pytest.raises(BadInput, match="auroc is not a metric") as error:
        metric("auroc")
    assert "roc_auc" in str(error.value)


def test_a_describing_figure_cannot_choose_between_models() -> None:
    """More alarms are neither better nor worse."""
    assert higher_is_better("pr_auc")
    assert not higher_is_better("log_loss")
    with pytest.raises(BadInput, match="alert_rate describes"):
        higher_is_better("alert_rate")


@pytest.mark.parametrize(
    ("name", "y", "score", "why"),
    [
        ("roc_auc", [1, 1], [0.2, 0.9], "no row of class index 0"),
        ("precision", [0, 1], [0.1, 0.2], "no row reaches the threshold"),
        ("recall", [0, 0], [0.1, 0.9], "no row of class index 1"),
        ("log_loss", [], [], "there are no rows"),
    ],
)
def test_an_undefined_metric_says_why(
    name: str, y: list[int], score: list[float], why: str
) -> None:
    """No figure is NaN: it is an exception with its reason."""
    s = np.array(score, dtype=float)
    with pytest.raises(UndefinedMetric, match=why):
        metric(name)(np.array(y, dtype=int), np.column_stack([1 - s, s]))


def test_a_metric_of_two_classes_is_undefined_for_three() -> None:
    """Costs of false alarms have no meaning among three classes."""
    with pytest.raises(UndefinedMetric, match="two classes only"):
        metric("cost").of(scored(3))


rows_of = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=1, max_size=40)


@given(rows=rows_of, fp=st.floats(0, 10), fn=st.floats(0, 10))
def test_no_threshold_costs_less_than_the_best_one(
    rows: list[tuple[int, int]], fp: float, fn: float
) -> None:
    """Against every distinct decision rule, also those of scores at 0 and 1."""
    y, score = np.array([r[0] for r in rows]), np.array([r[1] / 20 for r in rows])
    costs = Costs(false_positive=fp, false_negative=fn)

    def cost(threshold: Any) -> float:
        alarm = score >= threshold
        return float((alarm & (y == 0)).sum() * fp + (~alarm & (y == 1)).sum() * fn)

    best = best_threshold(y, score, costs)
    assert 0 <= best <= 1
    assert cost(best) <= min(cost(t) for t in np.linspace(0, 1, 41)) + 1e-9


def test_the_best_threshold_lies_between_scores() -> None:
    """Midway between neighbours, so that rounding of scores changes no decision."""
    y, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.6, 0.9])
    assert best_threshold(y, score, Costs()) == pytest.approx(0.5)
