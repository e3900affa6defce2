"""Bootstrap intervals."""

import numpy as np
import pytest

from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.metrics.figures import metric, metrics_for
from timonel_components.metrics.scored import Scored


def rows(n: int, seed: int = 0) -> Scored:
    """Calibrated scores and their classes."""
    rng = np.random.default_rng(seed)
    score = rng.beta(1, 4, n)
    y = (rng.random(n) < score).astype(np.int64)
    return Scored(y, np.column_stack([1 - score, score]), 0.3)


def test_every_figure_has_an_interval_around_it() -> None:
    """Each metric of a sound sample has a value inside a proper interval."""
    for name, found in Bootstrap(100, 0.95, 0).estimates(rows(2000), metrics_for(2)).items():
        assert found.value is not None, name
        assert found.low is not None, name
        assert found.high is not None, name
        assert found.low < found.high, name
        if name != "ece":  # resampling adds noise to a distance from zero: its interval lies above
            assert found.low <= found.value <= found.high, name


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """Of 60 samples' 90 % intervals of the accuracy, nearly all cover the true one."""
    truth = metric("accuracy").of(rows(400_000, seed=99))
    bootstrap = Bootstrap(200, 0.9, 0)
    covered = 0
    for seed in range(60):
        found = bootstrap.estimates(rows(500, seed), (metric("accuracy"),))["accuracy"]
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert 47 <= covered <= 60


def test_rows_of_one_entity_are_drawn_together() -> None:
    """Ten copies of each row say no more than one: only the entity tells that."""
    once = rows(300)
    copies = once.take(np.repeat(np.arange(300), 10))
    entity = np.repeat(np.arange(300), 10)
    accuracy = (metric("accuracy"),)

    def width(bootstrap: Bootstrap, sample: Scored) -> float:
        found = bootstrap.estimates(sample, accuracy)["accuracy"]
        assert found.low is not None
        assert found.high is not None
        return found.high - found.low

    honest = width(Bootstrap(400, 0.95, 0), once)
    assert width(Bootstrap(400, 0.95, 0, entity), copies) == pytest.approx(honest, rel=0.2)
    assert width(Bootstrap(400, 0.95, 0), copies) < honest / 2


def test_a_model_differs_from_itself_by_nothing() -> None:
    """Differences are paired: the same rows are drawn for both."""
    found = Bootstrap(50, 0.95, 0).differences(rows(500), rows(500), (metric("roc_auc"),))
    difference = found["roc_auc"]
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_a_difference_has_the_sign_of_new_less_old() -> None:
    """A model that scores at random loses ROC AUC, surely."""
    old = rows(3000)
    shuffled = old.p[np.random.default_rng(1).permutation(len(old))]
    found = Bootstrap(100, 0.95, 0).differences(
        Scored(old.y, shuffled, 0.3), old, (metric("roc_auc"),)
    )
    assert found["roc_auc"].high is not None
    assert found["roc_auc"].high < -0.1


def test_a_figure_that_most_resamples_lack_is_undefined() -> None:
    """One positive row is missing from a third of the resamples: no interval is honest."""
    score = np.linspace(0, 1, 50)
    y = (np.arange(50) == 49).astype(np.int64)
    sample = Scored(y, np.column_stack([1 - score, score]))
    found = Bootstrap(200, 0.95, 0).estimates(sample, (metric("roc_auc"),))["roc_auc"]
    assert found.value is None
    assert "too few rows" in str(found.reason)


def test_an_undefined_figure_keeps_its_reason() -> None:
    """Rows of one class have no ROC AUC, and say so."""
    sample = rows(100)
    only = sample.take(np.flatnonzero(sample.y == 0))
    found = Bootstrap(50, 0.95, 0).estimates(only, (metric("roc_auc"), metric("accuracy")))
    assert found["roc_auc"].reason == "no row of class index 1 is among them"
    assert found["accuracy"].value is not None


def test_memory_is_bounded_by_chunks() -> None:
    """Many rows are drawn a few resamples at a time, and none is lost."""
    sizes = [w.shape for w in Bootstrap(10, 0.95, 0).weights(1_000_000)]
    assert sizes == [(4, 1_000_000), (4, 1_000_000), (2, 1_000_000)]
