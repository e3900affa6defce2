"""The classifier two-sample test: its level, what it sees that single columns do not, its states."""

import json

import numpy as np
import pytest

from timonel.drift.multivariate import classifier_two_sample
from timonel.errors import BadInput


def pair(rows: int, correlation: float, seed: int) -> dict[str, object]:
    """Two correlated normal columns, a third apart, a category, some missing values."""
    rng = np.random.default_rng(seed)
    shared, a, b, c = rng.normal(size=(4, rows))
    weight = abs(correlation) ** 0.5
    rest = (1 - abs(correlation)) ** 0.5
    return {
        "a": weight * shared + rest * a,
        "b": np.sign(correlation) * weight * shared + rest * b,
        "c": np.where(rng.random(rows) < 0.05, np.nan, c),
        "d": rng.choice(["x", "y", "z"], rows, p=[0.6, 0.3, 0.1]),
    }


def test_the_level_is_honest() -> None:
    """Of 300 windows without drift at alpha .1 from 17 to 43 alarm, as an exact level would have it."""
    alarms = sum(
        classifier_two_sample(
            pair(300, 0.5, seed), pair(100, 0.5, 10_000 + seed), 0.1, permutations=19, seed=seed
        ).alarm
        for seed in range(300)
    )
    assert 17 <= alarms <= 43


def test_a_changed_correlation_is_found() -> None:
    """A correlation that changes its sign, with every column as before, alarms and names the pair."""
    found = classifier_two_sample(pair(2_000, 0.5, 1), pair(500, -0.5, 2))
    assert found.alarm
    assert found.drivers[0].feature == "a x b"
    assert found.auc > found.auc_needed > 0.5


def test_no_drift_is_near_a_half() -> None:
    """Without drift the held-out AUC is about 0.5 and below what an alarm needs."""
    found = classifier_two_sample(pair(2_000, 0.5, 1), pair(500, 0.5, 2))
    assert (found.verdict, found.alarm) == ("no drift", False)
    assert found.auc == pytest.approx(0.5, abs=0.04)


def test_missing_values_and_categories_alone_are_seen() -> None:
    """A burst of nulls, and a category that gains, each alarm through their indicator."""
    nulls, shift = pair(500, 0.5, 2), pair(500, 0.5, 3)
    nulls["c"] = np.where(np.arange(500) % 4 == 0, np.nan, nulls["c"])
    shift["d"] = np.random.default_rng(4).choice(["x", "y", "z"], 500, p=[0.3, 0.3, 0.4])
    reference = pair(2_000, 0.5, 1)
    assert classifier_two_sample(reference, nulls).drivers[0].feature == "c"
    assert classifier_two_sample(reference, shift).drivers[0].feature == "d"


def test_the_same_seed_gives_the_same_answer() -> None:
    """The result is a function of tables and seed."""
    tables = pair(300, 0.5, 1), pair(200, 0.2, 2)
    assert classifier_two_sample(*tables) == classifier_two_sample(*tables)


@pytest.mark.parametrize(("rows", "verdict"), [(0, "no data"), (10, "too few rows")])
def test_no_rows_is_no_pass(rows: int, verdict: str) -> None:
    """Without rows, or with few, there is a state and no figure."""
    found = classifier_two_sample(pair(300, 0.5, 1), pair(rows, 0.5, 2))
    assert (found.verdict, found.auc, found.p, found.alarm) == (verdict, None, None, False)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["verdict"] == verdict


def test_too_few_permutations_are_refused() -> None:
    """An alpha that no permutation p-value can reach is bad input."""
    with pytest.raises(BadInput, match="19 permutations"):
        classifier_two_sample(pair(50, 0.5, 1), pair(50, 0.5, 2), 0.01, permutations=19)
