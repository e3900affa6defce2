"""Figures of ranked lists."""

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from timonel.performance import ranking

LISTS = np.array([[True, False, True], [False, False, False], [False, True, False]])
CHOSEN = np.array([2, 1, 4])


def test_quality_is_what_the_definitions_say() -> None:
    """Three lists of three places give the values worked out by hand."""
    assert ranking.hit(LISTS).tolist() == [1, 0, 1]
    assert ranking.precision(LISTS) == pytest.approx([2 / 3, 0, 1 / 3])
    assert ranking.recall(LISTS, CHOSEN) == pytest.approx([1, 0, 1 / 4])
    assert ranking.reciprocal_rank(LISTS) == pytest.approx([1, 0, 1 / 2])
    assert ranking.rate_by_position(LISTS) == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    best = 1 + 1 / np.log2(3)
    assert ranking.ndcg(LISTS, CHOSEN)[0] == pytest.approx(1.5 / best)


@pytest.mark.parametrize("k", [1, 5, 20])
def test_ndcg_is_that_of_scikit_learn(k: int) -> None:
    """Ranking a whole catalogue by score gives scikit-learn's ndcg_score at every k, list by list."""
    rng = np.random.default_rng(k)
    truth = rng.random((200, 30)) < 0.15
    truth[~truth.any(axis=1), 0] = True
    score = rng.permuted(np.tile(np.arange(30.0), (200, 1)), axis=1)
    top = np.argsort(-score, axis=1)[:, :k]
    found = ranking.ndcg(np.take_along_axis(truth, top, axis=1), truth.sum(axis=1))
    for i in range(len(truth)):
        expected = ndcg_score(truth[i : i + 1], score[i : i + 1], k=k)
        assert found[i] == pytest.approx(expected, abs=1e-12)


def test_a_user_who_chose_nothing_has_no_quality() -> None:
    """Recall and nDCG refuse a user without a relevant item, and a list that shows one twice."""
    for figure in (ranking.recall, ranking.ndcg):
        with pytest.raises(ValueError, match="without a relevant item"):
            figure(LISTS, np.array([2, 0, 4]))
        with pytest.raises(ValueError, match="twice"):
            figure(LISTS, np.array([1, 1, 4]))


def test_coverage_and_gini_of_known_exposures() -> None:
    """Equal exposure has a Gini of 0, one item in every list of four items 3/4, as the mean difference."""
    equal = ranking.exposure(np.array([[0, 1], [2, 3]]), 4)
    single = ranking.exposure(np.array([[2, ranking.NO_ITEM]] * 5), 4)
    assert [ranking.coverage(equal), ranking.gini(equal)] == pytest.approx([1, 0])
    assert [ranking.coverage(single), ranking.gini(single)] == pytest.approx([0.25, 0.75])
    counts = np.random.default_rng(0).poisson(3.0, 50)
    mean_difference = np.abs(counts[:, None] - counts[None, :]).mean()
    assert ranking.gini(counts) == pytest.approx(mean_difference / (2 * counts.mean()))


def test_novelty_is_the_mean_surprise() -> None:
    """An item with half of the interactions is one bit; empty places do not count."""
    information = ranking.self_information(np.array([3, 1, 1, 0]) * 1000)
    assert information[0] == pytest.approx(-np.log2(3001 / 5004))
    assert np.isfinite(information).all()
    found = ranking.novelty(np.array([[0, 3], [1, ranking.NO_ITEM]]), np.array([1.0, 2, 3, 9]))
    assert found.tolist() == [5.0, 2.0]


def test_diversity_counts_pairs_of_different_groups() -> None:
    """Of the three pairs of a, a, b two differ; one group gives 0, empty places do not count."""
    group = np.array([0, 0, 1])
    items = np.array([[0, 1, 2], [0, 1, ranking.NO_ITEM], [0, 2, ranking.NO_ITEM]])
    assert ranking.intra_list_diversity(items, group) == pytest.approx([2 / 3, 0, 1])


def test_what_is_undefined_is_refused() -> None:
    """No lists, no items, a catalogue never shown, lists too short: errors, not zeros."""
    empty = np.full((1, 2), ranking.NO_ITEM)
    with pytest.raises(ValueError, match="no lists"):
        ranking.cold_start_share(np.zeros(0, dtype=bool))
    with pytest.raises(ValueError, match="no lists"):
        ranking.rate_by_position(np.zeros((0, 3), dtype=bool))
    with pytest.raises(ValueError, match="no item is shown"):
        ranking.gini(ranking.exposure(empty, 3))
    with pytest.raises(ValueError, match="no items"):
        ranking.coverage(np.zeros(0, dtype=np.int64))
    with pytest.raises(ValueError, match="no novelty"):
        ranking.novelty(empty, np.ones(3))
    with pytest.raises(ValueError, match="fewer than two"):
        ranking.intra_list_diversity(np.array([[0, ranking.NO_ITEM]]), np.zeros(3, dtype=np.int64))
    with pytest.raises(ValueError, match="codes"):
        ranking.exposure(np.array([[3]]), 3)


def test_cold_start_share() -> None:
    """Two of four users were unknown."""
    assert ranking.cold_start_share(np.array([True, False, True, False])) == 0.5
