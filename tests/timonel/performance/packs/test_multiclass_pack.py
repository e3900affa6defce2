"""Quality of several classes against scikit-learn on the same rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from pack_sums import sums_of
from timonel.performance.packs.multiclass import MOST, MulticlassPack
from timonel.performance.value import State


def _pack(k: int) -> MulticlassPack:
    return MulticlassPack(tuple(f"c{i}" for i in range(k)), low_confidence=0.6)


def _rows(seed: int, n: int, k: int, unseen: float = 0.0, nulls: float = 0.0):
    rng = np.random.default_rng(seed)
    actual = rng.integers(0, k, n)
    predicted = np.where(rng.random(n) < 0.6, actual, rng.integers(0, k, n)).astype(np.int32)
    actual = np.where(rng.random(n) < unseen, k, actual).astype(np.int32)
    predicted[rng.random(n) < nulls] = -1
    score = np.where(predicted < 0, np.nan, rng.uniform(0.3, 1, n))
    return {
        "predicted": predicted,
        "actual": actual,
        "score": score,
        "entropy": np.where(predicted < 0, np.nan, rng.uniform(0, np.log(k + 1), n)),
    }


def _metrics(columns, pack):
    return pack.metrics(sums_of(pack, columns), 900.0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(10, 800),
    st.sampled_from([2, 3, 8, MOST, MOST + 1, 200]),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from([0.0, 0.2]),
)
def test_quality_is_that_of_scikit_learn(
    seed: int, n: int, k: int, unseen: float, nulls: float
) -> None:
    """Accuracy, macro F1 and each class's recall and precision are exact, with few classes or many."""
    columns = _rows(seed, n, k, unseen, nulls)
    m = _metrics(columns, _pack(k))
    known = columns["predicted"] >= 0
    y, p = columns["actual"][known], columns["predicted"][known]
    if len(y) < 10:
        assert m["accuracy"].state in (State.TOO_FEW, State.NO_DATA)
        return
    assert float(m["accuracy"]) == pytest.approx((y == p).mean(), abs=1e-12)
    exact = sk.f1_score(y, p, average="macro", zero_division=0)
    assert float(m["macro_f1"]) == pytest.approx(exact, abs=1e-12)
    assert m["macro_f1"].lower <= exact <= m["macro_f1"].upper
    for i in range(k):
        for name, whole in (("recall", y == i), ("precision", p == i)):
            found = m[f"{name}[c{i}]"]
            if whole.sum() >= 10:
                assert float(found) == pytest.approx((y == p)[whole].mean(), abs=1e-12)
            else:
                assert found.state in (State.TOO_FEW, State.UNDEFINED)


def test_confidence_and_shares_are_exact() -> None:
    """Mean confidence and entropy, the share of low confidence and of each class, nulls aside."""
    columns, pack = _rows(0, 3000, 4, nulls=0.1), _pack(4)
    m = _metrics(columns, pack)
    known = columns["predicted"] >= 0
    score = columns["score"][known]
    assert float(m["mean_confidence"]) == pytest.approx(score.mean(), abs=1e-6)
    assert float(m["mean_entropy"]) == pytest.approx(columns["entropy"][known].mean(), abs=1e-6)
    half = 1.96 * score.std(ddof=1) / np.sqrt(len(score))
    assert m["mean_confidence"].upper == pytest.approx(score.mean() + half, abs=1e-4)
    assert float(m["low_confidence_share"]) == pytest.approx((score < 0.6).mean())
    for i in range(4):
        assert float(m[f"class_share[c{i}]"]) == pytest.approx(
            (columns["predicted"][known] == i).mean()
        )


def test_the_confusion_matrix_is_that_of_scikit_learn() -> None:
    """Rows by actual and predicted class, any other class last."""
    columns, pack = _rows(1, 500, 5, unseen=0.1), _pack(5)
    exact = sk.confusion_matrix(columns["actual"], columns["predicted"], labels=range(6))
    found = pack.confusion(sums_of(pack, columns))
    assert found is not None
    assert np.array_equal(found, exact)
    assert _pack(MOST + 1).confusion({}) is None


def test_many_classes_have_a_wider_interval_never_a_narrower_one() -> None:
    """Without a confusion matrix the interval of macro F1 holds that with one."""
    from timonel.performance.packs.multiclass import macro_f1

    columns, pack = _rows(2, 2000, 6), _pack(6)
    sums = sums_of(pack, columns)
    margins = pack.margins(sums)
    exact, bounded = macro_f1(margins, pack.confusion(sums)), macro_f1(margins, None)
    assert exact.value == bounded.value
    assert bounded.lower <= exact.lower <= exact.upper <= bounded.upper


def test_classes_that_the_model_does_not_have_are_told() -> None:
    """A label and a prediction of any other class are counted, never agree, and are warned of."""
    pack = _pack(2)
    columns = {
        "predicted": np.array([2] * 12 + [0] * 12, np.int32),
        "actual": np.array([2] * 12 + [0] * 12, np.int32),
        "score": np.full(24, np.nan),
    }
    sums = sums_of(pack, columns)
    assert pack.metrics(sums, 1.0)["accuracy"] == 0.5
    assert pack.warnings(sums) == [
        "12 predictions are none of the model's 2 classes",
        "12 labels are none of the model's 2 classes",
    ]


def test_empty_windows_have_no_data() -> None:
    """Without rows nothing has a value; without labels nothing that needs them; nor without entropy."""
    columns, pack = _rows(0, 50, 3), _pack(3)
    empty = _metrics({name: column[:0] for name, column in columns.items()}, pack)
    assert {value.state for value in empty.values()} == {State.NO_DATA}
    columns["actual"][:] = -1
    del columns["entropy"]
    m = _metrics(columns, pack)
    assert m["accuracy"].state is State.NO_DATA
    assert m["recall[c0]"].state is State.NO_DATA
    assert m["mean_entropy"].state is State.NO_DATA
    assert m["mean_confidence"].ok
