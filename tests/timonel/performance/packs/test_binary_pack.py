"""Two-class quality of a window against scikit-learn on the same rows."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from pack_sums import sums_of
from timonel.config import Costs
from timonel.performance.packs.binary import BinaryPack
from timonel.performance.packs.measures import Binned
from timonel.performance.value import State

PACK = BinaryPack(costs=Costs(false_positive=2, false_negative=50), beta=2.0, cases_per_day=40)
DAY = 86_400.0


def _rows(seed: int, n: int, ties: bool, nulls: float, shift: float = -1.0):
    rng = np.random.default_rng(seed)
    score = 1 / (1 + np.exp(-rng.normal(shift, 2.0, n)))
    if ties:
        score = np.round(score, 1)
    actual = (rng.random(n) < 0.1 + 0.8 * score).astype(np.int8)
    predicted = (score >= 0.4).astype(np.int8)
    missing = rng.random(n) < nulls
    score[missing], predicted[missing] = np.nan, -1
    return {"score": score, "predicted": predicted, "actual": actual}


def _metrics(columns, pack=PACK, seconds=DAY):
    return pack.metrics(sums_of(pack, columns), seconds)


rows = st.builds(
    _rows,
    st.integers(0, 2**32),
    st.integers(60, 1500),
    st.booleans(),
    st.sampled_from([0.0, 0.2]),
    st.floats(-3, 3),
)


@settings(max_examples=80, deadline=None)
@given(rows)
def test_decisions_are_those_of_scikit_learn(columns) -> None:
    """Every figure at the threshold equals scikit-learn's to rounding, rows without a prediction aside."""
    known = columns["predicted"] >= 0
    y, p = columns["actual"][known], columns["predicted"][known]
    expected = {
        "accuracy": sk.accuracy_score(y, p),
        "precision": sk.precision_score(y, p, zero_division=np.nan),
        "recall": sk.recall_score(y, p, zero_division=np.nan),
        "specificity": sk.recall_score(1 - y, 1 - p, zero_division=np.nan),
        "f1": sk.f1_score(y, p, zero_division=np.nan),
        "fbeta": sk.fbeta_score(y, p, beta=2, zero_division=np.nan),
        "base_rate": y.mean(),
        "alert_rate": p.mean(),
        "cost_per_prediction": (2 * (p > y) + 50 * (p < y)).mean(),
    }
    m = _metrics(columns)
    for name, value in expected.items():
        if m[name].ok:
            assert float(m[name]) == pytest.approx(value, abs=1e-12), name
            assert m[name].lower <= value <= m[name].upper
        else:
            assert m[name].state in (State.TOO_FEW, State.UNDEFINED), name


@settings(max_examples=80, deadline=None)
@given(rows)
def test_losses_are_those_of_scikit_learn(columns) -> None:
    """Brier score, log loss and the mean score are exact to 1e-6."""
    known = ~np.isnan(columns["score"])
    y, s = columns["actual"][known], columns["score"][known]
    m = _metrics(columns)
    assert float(m["brier"]) == pytest.approx(sk.brier_score_loss(y, s), abs=1e-6)
    assert float(m["log_loss"]) == pytest.approx(sk.log_loss(y, s, labels=[0, 1]), abs=1e-6)
    assert float(m["mean_score"]) == pytest.approx(s.mean(), abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(rows)
def test_curves_are_within_their_stated_bound(columns) -> None:
    """AUC and average precision differ from scikit-learn's by no more than the bound that they state."""
    known = ~np.isnan(columns["score"])
    y, s = columns["actual"][known], columns["score"][known]
    assume(0 < y.sum() < len(y))
    m = _metrics(columns)
    pairs = {"roc_auc": sk.roc_auc_score(y, s), "pr_auc": sk.average_precision_score(y, s)}
    for name, exact in pairs.items():
        found = m[name]
        if found.ok:
            assert isinstance(found, Binned)
            assert abs(float(found) - exact) <= found.bound + 1e-12, name
            assert found.lower <= exact <= found.upper, name
        else:
            assert min(y.sum(), len(y) - y.sum()) < 10


@settings(max_examples=60, deadline=None)
@given(rows)
def test_calibration_error_is_that_of_plain_numpy(columns) -> None:
    """The error over bands one wide in the logit is exact to 1e-6, but for rows at an edge of a band."""
    with np.errstate(divide="ignore"):
        logit = (np.log(columns["score"]) - np.log1p(-columns["score"])).clip(-10.5, 10.5)
    inside = np.isnan(logit) | (np.abs(logit - np.round(logit)) > 0.005)
    columns = {name: column[inside] for name, column in columns.items()}
    logit = logit[inside & ~np.isnan(logit)]
    known = ~np.isnan(columns["score"])
    y, s = columns["actual"][known], columns["score"][known]
    band = np.floor(logit.clip(-10, 9.99)).astype(int)
    exact = sum(abs((s - y)[band == b].sum()) for b in np.unique(band)) / len(s)
    found = _metrics(columns)["ece"]
    assert float(found) == pytest.approx(exact, abs=1e-6)
    assert found.lower <= exact <= found.upper


def test_precision_at_the_top_of_a_day_is_that_of_the_sorted_rows() -> None:
    """The share of positives among the k highest scores is exact within the bound of the cut cell."""
    columns = _rows(5, 5000, False, 0.0)
    order = np.argsort(-columns["score"])
    m = _metrics(columns, seconds=3 * DAY)
    for name, k in (("precision_at_k", 40), ("cp_at_k", 120)):
        exact = columns["actual"][order[:k]].mean()
        assert abs(float(m[name]) - exact) <= m[name].bound + 1e-12
        assert m[name].lower <= exact <= m[name].upper
    assert m["cp_at_k"].bound < 0.1


def test_the_top_is_that_of_all_cases_not_of_the_labelled() -> None:
    """Where every other row has its label, the top k is told from the labelled rows among it."""
    columns = _rows(6, 8000, False, 0.0)
    truth = columns["actual"].copy()
    columns["actual"] = np.where(np.arange(8000) % 2 == 0, truth, -1).astype(np.int8)
    top = np.argsort(-columns["score"])[:40]
    exact = truth[top][top % 2 == 0].mean()
    found = _metrics(columns)["precision_at_k"]
    assert float(found) == pytest.approx(exact, abs=found.bound + 0.1)
    assert float(_metrics(columns)["label_share"]) == pytest.approx(0.5)


def test_a_window_without_one_class_has_no_curve() -> None:
    """One class only: accuracy stands, curves and recall are undefined, and nothing is NaN."""
    columns = _rows(1, 100, False, 0.0)
    columns["actual"][:] = 0
    m = _metrics(columns)
    assert m["roc_auc"].state is State.UNDEFINED
    assert m["pr_auc"].state is State.UNDEFINED
    assert m["recall"].state is State.UNDEFINED
    assert m["accuracy"].ok
    assert m["base_rate"] == 0


def test_all_scores_alike_rank_nothing() -> None:
    """Equal scores: an AUC of one half within its bound, which says that all of it is open."""
    n = 200
    columns = {
        "score": np.full(n, 0.3),
        "predicted": np.zeros(n, np.int8),
        "actual": (np.arange(n) % 2).astype(np.int8),
    }
    m = _metrics(columns)
    assert m["roc_auc"] == 0.5
    assert m["roc_auc"].bound == pytest.approx(0.5)
    assert abs(float(m["pr_auc"]) - 0.5) <= m["pr_auc"].bound
    assert m["precision"].state is State.UNDEFINED


def test_empty_and_null_windows_have_no_data() -> None:
    """No row: no data. No label: no data of quality. No prediction: none of anything but counts."""
    empty = _metrics({name: column[:0] for name, column in _rows(0, 60, False, 0).items()})
    assert {value.state for value in empty.values()} == {State.NO_DATA}
    columns = _rows(0, 60, False, 0.0)
    columns["actual"][:] = -1
    m = _metrics(columns)
    assert {name for name, value in m.items() if value.ok} == {
        "n_labelled",
        "label_share",
        "alert_rate",
        "mean_score",
    }
    assert m["n_labelled"] == 0
    nothing = _metrics(_rows(0, 60, False, 1.0))
    assert {name for name, value in nothing.items() if value.ok} == {"n_labelled", "label_share"}


def test_scores_at_the_ends_are_counted() -> None:
    """Scores of exactly 0 and 1, right and wrong, give scikit-learn's losses."""
    columns = {
        "score": np.tile([0.0, 1.0, 0.0, 1.0, 1e-300, 1 - 1e-16], 10),
        "actual": np.tile([0, 1, 1, 0, 0, 1], 10).astype(np.int8),
        "predicted": np.tile([0, 1, 0, 1, 0, 1], 10).astype(np.int8),
    }
    m, y, s = _metrics(columns), columns["actual"], columns["score"]
    assert float(m["log_loss"]) == pytest.approx(sk.log_loss(y, s), abs=1e-6)
    assert float(m["brier"]) == pytest.approx(sk.brier_score_loss(y, s), abs=1e-6)
    assert abs(float(m["roc_auc"]) - sk.roc_auc_score(y, s)) <= m["roc_auc"].bound


def test_the_grid_of_scores_is_ordered() -> None:
    """A higher score never lies in a lower cell, down to the last digit of either end."""
    from timonel.performance.packs.grids import NO_SCORE, SCORE_CELLS, score_codes

    rng = np.random.default_rng(0)
    ends = 10.0 ** -rng.uniform(0, 17, 20_000)
    score = np.sort(np.concatenate([rng.random(20_000), ends, 1 - ends, [0, 0.5, 1]]))
    codes = score_codes(score)
    assert (np.diff(codes.astype(int)) >= 0).all()
    assert (codes[0], codes[-1]) == (0, SCORE_CELLS - 1)
    assert score_codes(np.array([np.nan]))[0] == NO_SCORE


@pytest.mark.parametrize(("positives", "negatives"), [(10, 500), (45, 955), (15, 15)])
@pytest.mark.parametrize("distance", [0.5, 1.85, 3.0])
def test_the_auc_interval_holds_with_few_positives(
    positives: int, negatives: int, distance: float
) -> None:
    """Even at an area of .98 and ten positives the 95 % interval holds the truth in 94 % of runs."""
    exact = NormalDist().cdf(distance / np.sqrt(2))
    label = np.repeat([1, 0], [positives, negatives]).astype(np.int8)
    held = 0
    for seed in range(400):
        logit = np.random.default_rng(seed).normal(0, 1, len(label)) + distance * label
        score = 1 / (1 + np.exp(-2 * logit))
        columns = {"score": score, "predicted": (score > 0.5).astype(np.int8), "actual": label}
        found = _metrics(columns)["roc_auc"]
        held += found.lower <= exact <= found.upper
    assert held / 400 >= 0.94
