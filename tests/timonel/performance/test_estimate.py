"""CBPE: coverage where its assumption holds, distrust where it does not."""

import json
from types import ModuleType

import numpy as np
import pytest

from scripts import script
from timonel.errors import BadInput
from timonel.performance.contradiction import spent_level
from timonel.performance.estimate import CBPE
from timonel.performance.realised import labelled, realised
from timonel.performance.value import State

Window = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    """The worlds of the benchmark."""
    return script("benchmarks/estimate.py")


def three_classes(n: int, seed: int, stretch: float = 1.0) -> Window:
    """Scores that are overconfident by the same power for all; `stretch` changes what they mean."""
    rng = np.random.default_rng(seed)
    true = rng.dirichlet([2, 2, 1], n)
    outcome = true**stretch / (true**stretch).sum(axis=1, keepdims=True)
    y = (rng.random((n, 1)) > outcome.cumsum(axis=1)).sum(axis=1)
    score = true**1.5 / (true**1.5).sum(axis=1, keepdims=True)
    return y, score, score.argmax(axis=1)


@pytest.mark.parametrize("shift", ["no shift", "covariate shift of .5 sd in two features"])
def test_the_interval_holds_what_the_labels_show(simulation: ModuleType, shift: str) -> None:
    """In 90 to 99 % of 100 benign windows, within the error of 100 runs."""
    found = simulation.coverage(simulation.BENIGN[shift], reference=2000, n=500, runs=100)
    assert set(found) == {"auc", "accuracy", "precision", "recall", "f1"}
    assert np.mean(list(found.values())) == pytest.approx(0.945, abs=0.045)
    assert min(found.values()) > 0.88


def test_the_interval_holds_with_three_classes() -> None:
    """Macro averages of three classes are covered in 90 % or more of 60 windows."""
    hits: list[bool] = []
    for seed in range(60):
        cbpe = CBPE(bootstraps=30).fit(*three_classes(3000, seed))
        y, score, yhat = three_classes(800, 1000 + seed)
        truth = realised(labelled(y, score, yhat))
        hits += [e.lower <= truth[m] <= e.upper for m, e in cbpe.estimate(score, yhat).items()]
    assert 0.9 <= np.mean(hits) <= 0.995


def test_concept_drift_makes_the_estimates_untrusted(simulation: ModuleType) -> None:
    """After 5 benign windows the first drifted one does so in 14 of 15 streams or more."""
    drift = simulation.DRIFT["effects move to another feature"]
    rng, found = np.random.default_rng(4), []
    for _ in range(15):
        cbpe = CBPE(bootstraps=50).fit(*simulation.window(simulation.HOME, 5000, rng))
        assert simulation.first_distrust(cbpe, simulation.HOME, 2000, 5, rng) == 6
        found.append(simulation.first_distrust(cbpe, drift, 2000, 1, rng))
    assert found.count(1) >= 14


def test_valid_estimates_are_seldom_distrusted(simulation: ModuleType) -> None:
    """At most 5 % of 30 streams of 8 benign windows, within the error of 30 runs (5 or fewer)."""
    rng, distrusted = np.random.default_rng(6), 0
    for _ in range(30):
        cbpe = CBPE(bootstraps=50).fit(*simulation.window(simulation.HOME, 2000, rng))
        distrusted += simulation.first_distrust(cbpe, simulation.HOME, 500, 8, rng) <= 8
    assert distrusted <= 5


def test_distrust_is_said_with_its_reason_and_lasts_until_the_next_fit(
    simulation: ModuleType,
) -> None:
    """The estimates stay untrusted, name the contradiction, and a new fit starts anew."""
    rng = np.random.default_rng(0)
    home, drift = simulation.HOME, simulation.DRIFT["the strongest feature loses its effect"]
    reference = simulation.window(home, 5000, rng)
    cbpe = CBPE().fit(*reference)
    check = cbpe.check(*simulation.window(drift, 3000, rng))
    assert not check.trusted
    assert check.contradicted
    assert cbpe.check(*simulation.window(home, 500, rng)).trusted is False
    estimate = cbpe.estimate(*reference[1:])["accuracy"]
    assert estimate.trusted is False
    assert "contradicted by matured labels" in estimate.assumption
    assert cbpe.fit(*reference).trusted
    assert cbpe.estimate(*reference[1:])["accuracy"].trusted


def test_every_estimate_carries_its_assumption(simulation: ModuleType) -> None:
    """The result is plain JSON, with value, interval, n, state, assumption and trust."""
    rng = np.random.default_rng(0)
    cbpe = CBPE(["auc", "f1"]).fit(*simulation.window(simulation.HOME, 1500, rng))
    _, score, yhat = simulation.window(simulation.HOME, 400, rng)
    score[:3] = np.nan
    estimates = cbpe.estimate(score, yhat)
    assert list(estimates) == ["auc", "f1"]
    saved = json.loads(json.dumps(estimates["auc"].to_dict()))
    assert saved.keys() == {
        *("value", "lower", "upper", "n", "state", "assumption", "trusted", "n_ignored")
    }
    assert (saved["n"], saved["n_ignored"], saved["state"]) == (397, 3, "ok")
    assert saved["lower"] < saved["value"] < saved["upper"]
    assert "no concept drift" in saved["assumption"]


def test_a_saved_estimator_goes_on_as_if_it_had_not_stopped(simulation: ModuleType) -> None:
    """The same estimates, and the next check is the next one."""
    rng = np.random.default_rng(0)
    cbpe = CBPE().fit(*simulation.window(simulation.HOME, 3000, rng))
    cbpe.check(*simulation.window(simulation.HOME, 500, rng))
    again = CBPE.from_dict(json.loads(json.dumps(cbpe.to_dict())))
    y, score, yhat = simulation.window(simulation.HOME, 500, rng)
    assert again.estimate(score, yhat) == cbpe.estimate(score, yhat)
    assert again.reference == cbpe.reference
    check = again.check(y, score, yhat)
    assert check == cbpe.check(y, score, yhat)
    assert (check.number, check.level) == (2, pytest.approx(0.05 / 6))
    assert json.loads(json.dumps(check.to_dict()))["comparisons"][0]["contradicts"] is False


def test_labels_too_few_to_compare_spend_nothing(simulation: ModuleType) -> None:
    """A check without enough labels is not counted and changes no trust."""
    rng = np.random.default_rng(0)
    cbpe = CBPE().fit(*simulation.window(simulation.HOME, 1500, rng))
    for window in (([1, 0, 1], [0.9, 0.1, 0.8], [1, 0, 1]), ([], [], []), ([None], [0.5], [1])):
        check = cbpe.check(*window)
        assert (check.number, check.comparisons, check.trusted) == (0, (), True)


def test_the_levels_of_all_checks_sum_to_alpha() -> None:
    """However many checks there are, they spend no more than alpha."""
    assert sum(spent_level(0.05, k) for k in range(1, 100_000)) == pytest.approx(0.05, abs=1e-6)


def test_windows_without_a_value_say_why(simulation: ModuleType) -> None:
    """An empty window, a small one and one without predicted positives each have their state."""
    rng = np.random.default_rng(0)
    cbpe = CBPE().fit(*simulation.window(simulation.HOME, 1500, rng))
    assert cbpe.estimate([], [])["auc"].state is State.NO_DATA
    assert cbpe.estimate([np.nan], [0])["auc"].n_ignored == 1
    assert cbpe.estimate([0.2, 0.7], [0, 1])["accuracy"].state is State.TOO_FEW
    never = cbpe.estimate(np.full(500, 0.2), np.zeros(500, dtype=int))
    assert never["precision"].state is State.UNDEFINED
    assert never["accuracy"].ok


@pytest.mark.parametrize(
    ("use", "says"),
    [
        (lambda w: CBPE(["acc"]), "no metric 'acc'"),
        (lambda w: CBPE(alpha=0), "alpha is 0"),
        (lambda w: CBPE(bootstraps=1), "bootstraps is 1"),
        (lambda w: CBPE().estimate([0.5], [1]), "not fitted"),
        (lambda w: CBPE().check([1], [0.5], [1]), "not fitted"),
        (lambda w: CBPE().fit(*(c[:50] for c in w)), "the reference holds 50 labelled rows"),
        (lambda w: CBPE().fit(*w).estimate([0.5], [3]), "the label 3 is not among"),
        (lambda w: CBPE().fit(*w).estimate([[0.2, 0.3, 0.5]], [1]), "expected 2 classes"),
    ],
)
def test_misuse_is_named(simulation: ModuleType, use: object, says: str) -> None:
    """The message says what was found and what was expected."""
    window = simulation.window(simulation.HOME, 300, np.random.default_rng(0))
    with pytest.raises(BadInput, match=says):
        use(window)


@pytest.mark.parametrize("n", [400, 4000])
def test_a_few_surprises_do_not_break_the_trust_in_a_nearly_perfect_model(n: int) -> None:
    """After a reference without an error the estimate is not certain, and one error no contradiction."""
    y = np.arange(n) % 4 == 0
    score = np.where(y, 0.99, 0.01)
    cbpe = CBPE().fit(y, score, y)
    estimate = cbpe.estimate(score, y)["accuracy"]
    assert 0.98 < estimate.lower < estimate < 1
    surprised = y.copy()
    surprised[1] = True
    assert cbpe.check(surprised, score, y).trusted
    surprised[1 : n // 10] = True
    assert not cbpe.check(surprised, score, y).trusted
