"""Approval bias: quality where the action suppresses the labels of what was predicted positive."""

import numpy as np
import pytest

from pack_sums import sums_of
from timonel.performance.packs.binary import BinaryPack
from timonel.performance.value import State

DAY = 86_400.0
QUALITY = ("precision", "recall", "f1", "base_rate", "roc_auc", "pr_auc", "brier", "cp_at_k")


def _fraud(seed: int, n: int, rate: float):
    """Rows of which those predicted positive are blocked unless explored, and the whole truth."""
    rng = np.random.default_rng(seed)
    score = 1 / (1 + np.exp(-rng.normal(-2.5, 2, n)))
    truth = (rng.random(n) < score).astype(np.int8)
    predicted = (score >= 0.3).astype(np.int8)
    explored = (predicted == 1) & (rng.random(n) < rate)
    seen = (predicted == 0) | explored
    columns = {
        "score": score,
        "predicted": predicted,
        "actual": np.where(seen, truth, -1).astype(np.int8),
        "explored": explored,
    }
    return columns, truth


def _metrics(pack, columns):
    sums = sums_of(pack, columns)
    return pack.metrics(sums, DAY), pack.warnings(sums)


@pytest.mark.parametrize("rate", [0.1, None])
def test_exploration_repairs_the_bias(rate: float | None) -> None:
    """Weighted by the rate, given or seen, the explored rows give back the figures of the whole truth."""
    pack = BinaryPack(suppressed="positive", exploration_rate=rate)
    columns, truth = _fraud(0, 60_000, 0.1)
    whole, _ = _metrics(BinaryPack(), columns | {"actual": truth})
    m, warnings = _metrics(pack, columns)
    for name in QUALITY:
        assert m[name].lower <= float(whole[name]) <= m[name].upper, name
        assert m[name].upper - m[name].lower > whole[name].upper - whole[name].lower, name
    naive, _ = _metrics(BinaryPack(), columns)
    assert naive["recall"].upper < float(whole["recall"])
    assert warnings == []


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """Weighted recall and base rate: the 95 % interval holds the truth in 95 % of runs, and not in all."""
    pack = BinaryPack(suppressed="positive", exploration_rate=0.2)
    held = {"recall": 0, "base_rate": 0, "precision": 0}
    big, truth = _fraud(999, 400_000, 0.0)
    alarm = big["predicted"] == 1
    exact = {
        "recall": alarm[truth == 1].mean(),
        "base_rate": truth.mean(),
        "precision": truth[alarm].mean(),
    }
    for seed in range(400):
        m, _ = _metrics(pack, _fraud(seed, 1500, 0.2)[0])
        for name, value in exact.items():
            held[name] += m[name].lower <= value <= m[name].upper
    for name, times in held.items():
        assert 0.92 <= times / 400 <= 0.99, (name, times)


def test_without_exploration_nothing_is_claimed() -> None:
    """No explored row: quality is undefined and the reader is told why; what needs no label stands."""
    pack = BinaryPack(suppressed="positive")
    columns, _ = _fraud(1, 2000, 0.0)
    for given in (columns, {k: v for k, v in columns.items() if k != "explored"}):
        m, warnings = _metrics(pack, given)
        assert {m[name].state for name in pack.quality} == {State.UNDEFINED}
        assert m["alert_rate"].ok
        assert m["label_share"].ok
        assert "explored" in warnings[0]


def test_labels_of_blocked_rows_are_not_used() -> None:
    """A label that a blocked row has all the same is no random one: it changes no figure."""
    pack = BinaryPack(suppressed="positive", exploration_rate=0.2)
    columns, truth = _fraud(2, 5000, 0.2)
    leaked = columns | {"actual": np.where(truth == 1, truth, columns["actual"]).astype(np.int8)}
    before, after = _metrics(pack, columns)[0], _metrics(pack, leaked)[0]
    assert {k: before[k].value for k in QUALITY} == {k: after[k].value for k in QUALITY}


def test_a_wrong_exploration_rate_is_noticed() -> None:
    """The rate that was set is compared with the share of rows that were explored."""
    columns, _ = _fraud(3, 5000, 0.3)
    _, warnings = _metrics(BinaryPack(suppressed="positive", exploration_rate=0.1), columns)
    assert "expected 10.00%" in warnings[0]


def test_suppression_that_nobody_declared_is_noticed() -> None:
    """Labels that are missing just where the prediction is positive raise a warning."""
    columns, truth = _fraud(4, 5000, 0.02)
    _, warnings = _metrics(BinaryPack(), columns)
    assert "suppressed" in warnings[0]
    assert _metrics(BinaryPack(), columns | {"actual": truth})[1] == []
