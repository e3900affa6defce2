"""Realised performance: scikit-learn's values on the same rows, and honest intervals."""

import numpy as np
import pytest
from sklearn import metrics as sk

from timonel.errors import BadInput
from timonel.performance.intervals import difference
from timonel.performance.metrics import METRICS, Rows
from timonel.performance.realised import labelled, realised
from timonel.performance.value import Measured, State

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def binary(n: int, seed: int = 0, ties: bool = False) -> Arrays:
    rng = np.random.default_rng(seed)
    score = rng.beta(1, 2, n).round(1 if ties else 12)
    return (rng.random(n) < score) * 1, score, (score > 0.4) * 1, rng.integers(1, 4, n) * 1.0


def multiclass(n: int, seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    score = rng.dirichlet([2, 1, 1, 0.5], n)
    truth = (rng.random((n, 1)) > score.cumsum(axis=1)).sum(axis=1)
    names = np.array(["a", "b", "c", "d"])
    return names[truth], score, names[score.argmax(axis=1)], rng.integers(1, 4, n) * 1.0


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_binary_metrics_are_those_of_scikit_learn(weighted: bool, ties: bool) -> None:
    """With and without weights, ties in the score included."""
    y, score, yhat, w = binary(700, ties=ties)
    w = w if weighted else np.ones(700)
    found = realised(labelled(y, score, yhat, weight=w))
    expected = {
        "auc": sk.roc_auc_score(y, score, sample_weight=w),
        "accuracy": sk.accuracy_score(y, yhat, sample_weight=w),
        "precision": sk.precision_score(y, yhat, sample_weight=w),
        "recall": sk.recall_score(y, yhat, sample_weight=w),
        "f1": sk.f1_score(y, yhat, sample_weight=w),
    }
    assert {k: float(v) for k, v in found.items()} == pytest.approx(expected, abs=1e-12)


def test_multiclass_metrics_are_the_macro_averages_of_scikit_learn() -> None:
    """Every class counts the same; a class that does not occur does not count."""
    y, score, yhat, w = multiclass(900)
    found = realised(labelled(y, score, yhat, weight=w))
    macro = {"average": "macro", "sample_weight": w}
    expected = {
        "auc": sk.roc_auc_score(y, score, multi_class="ovr", **macro),
        "accuracy": sk.accuracy_score(y, yhat, sample_weight=w),
        "precision": sk.precision_score(y, yhat, **macro),
        "recall": sk.recall_score(y, yhat, **macro),
        "f1": sk.f1_score(y, yhat, **macro),
    }
    assert {k: float(v) for k, v in found.items()} == pytest.approx(expected, abs=1e-12)
    seen = (y != "d") & (yhat != "d")
    some = labelled(y[seen], score[seen], yhat[seen], classes=["a", "b", "c", "d"])
    assert float(realised(some)["f1"]) == pytest.approx(
        sk.f1_score(y[seen], yhat[seen], average="macro"), abs=1e-12
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("k", [2, 3])
def test_the_derivatives_are_right(metric: str, k: int) -> None:
    """They equal finite differences, by each outcome and by each weight."""
    rng = np.random.default_rng(2)
    p, score = rng.dirichlet(np.ones(k), 12), rng.random((12, k))
    yhat, w = np.eye(k)[rng.integers(0, k, 12)], rng.uniform(0.5, 2, 12)
    part = METRICS[metric](Rows(p, yhat, score, w))
    assert part is not None
    step = 1e-6
    for i, c in [(0, k - 1), (5, 1), (11, k - 1)]:
        moved = p.copy()
        moved[i, c] += step
        slope = (METRICS[metric](Rows(moved, yhat, score, w)).value - part.value) / step
        assert part.by_outcome[i, c] == pytest.approx(slope, abs=1e-5)
    hot = np.eye(k)[rng.integers(0, k, 12)]
    part = METRICS[metric](Rows(hot, yhat, score, w))
    for i in (0, 7):
        heavier = w.copy()
        heavier[i] += step
        slope = (METRICS[metric](Rows(hot, yhat, score, heavier)).value - part.value) / step
        assert part.by_weight[i] == pytest.approx(slope, abs=1e-5)


@pytest.mark.parametrize("n", [60, 400])
def test_intervals_hold_the_true_value(n: int) -> None:
    """Of 400 samples 91 % or more of the intervals of every metric hold the value on a million rows."""
    y, score, yhat, _ = binary(1_000_000, seed=9)
    truth = realised(labelled(y, score, yhat))
    hits: dict[str, list[bool]] = {m: [] for m in METRICS}
    for seed in range(400):
        found = realised(labelled(*binary(n, seed)[:3]))
        for name, m in found.items():
            if m.ok:
                hits[name].append(m.lower <= truth[name] <= m.upper)
    assert {name: 0.91 <= np.mean(x) <= 0.99 for name, x in hits.items()} == dict.fromkeys(
        hits, True
    )


def test_what_has_no_value_says_why() -> None:
    """No rows, no predicted positive, and too few: three states."""
    none = realised(labelled([], [], [], classes=[0, 1]))
    assert {m.state for m in none.values()} == {State.NO_DATA}
    y, score, _, _ = binary(200)
    never = realised(labelled(y, score, np.zeros(200, dtype=int)))
    assert never["precision"].state is State.UNDEFINED
    assert float(never["recall"]) == 0
    few = realised(labelled(y[:5], score[:5], y[:5], classes=[0, 1]))
    assert few["accuracy"].state is State.TOO_FEW
    assert few["accuracy"].n == 5


def test_missing_labels_and_scores_are_left_out_and_counted() -> None:
    """None, NaN labels and NaN scores take no part, whatever the type of the labels."""
    rows = labelled(["no", None, "yes", "no"], [0.1, 0.2, np.nan, 0.4], ["no", "no", "yes", "yes"])
    assert (rows.classes, rows.n_ignored, rows.label.tolist()) == (("no", "yes"), 2, [0, 0])
    assert labelled([1.0, np.nan, 0.0], [0.5, 0.5, 0.5], [1, 0, 0]).n_ignored == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([0, 1], [0.1, 1.2], [0, 1]), "y_score goes from 0.1 to 1.2"),
        (([0, 1], [0.1], [0, 1]), "y_score has 1 rows"),
        (([0, 1, 2], [0.1, 0.2, 0.3], [0, 1, 2]), "the labels hold 3 classes"),
        (([0, 0], [0.1, 0.2], [0, 0]), "the labels hold 1 classes"),
        (([0, 1], [[[0.1]]], [0, 1]), "y_score has shape"),
    ],
)
def test_bad_columns_are_named(arguments: tuple[object, ...], says: str) -> None:
    """The message says what was found and what was expected."""
    with pytest.raises(BadInput, match=says):
        labelled(*arguments)


def test_unknown_metrics_and_labels_are_named() -> None:
    """A misspelt metric and a label of no class are errors that name them."""
    rows = labelled([0, 1], [0.1, 0.2], [0, 1])
    with pytest.raises(BadInput, match="no metric 'acuracy'"):
        realised(rows, ["acuracy"])
    with pytest.raises(BadInput, match="the label 7 is not among the classes"):
        labelled([0, 7], [0.1, 0.2], [0, 1], classes=[0, 1])


def test_a_difference_has_the_interval_of_newcombe() -> None:
    """56 of 70 less 48 of 80 is .2, from .0524 to .3339 (Newcombe 1998, table II, example a)."""
    from timonel.performance.intervals import wilson

    a, b = (Measured(k / n, *wilson(k / n, 0.0, n), n) for k, n in ((56, 70), (48, 80)))
    gap = difference(a, b)
    assert (round(gap.lower, 4), round(float(gap), 4), round(gap.upper, 4)) == (0.0524, 0.2, 0.3339)
    assert difference(a, Measured.absent(State.NO_DATA)).state is State.NO_DATA
