"""Figures of ranked lists from counters against those of the rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pack_sums import sums_of
from timonel.performance import ranking as figures
from timonel.performance.packs.ranking import LISTED, RankingPack, relevance
from timonel.performance.value import State

K = 5


def _pack(n_items: int = 60) -> RankingPack:
    rng = np.random.default_rng(7)
    popularity = np.sort(rng.poisson(200 / np.arange(1, n_items + 1)))[::-1]
    return RankingPack(popularity, rng.integers(0, 6, n_items), k=K)


def _rows(seed: int, n: int, n_items: int = 60, chosen: int = 4):
    rng = np.random.default_rng(seed)
    items = rng.random((n, n_items)).argsort(axis=1)[:, :8].astype(np.int32)
    items[rng.random(n) < 0.1, 3:] = figures.NO_ITEM
    actual = rng.random((n, n_items)).argsort(axis=1)[:, :chosen].astype(np.int32)
    actual[rng.random((n, chosen)) < 0.4] = figures.NO_ITEM
    return {"items": items, "actual": actual, "cold": rng.random(n) < 0.2}


def _metrics(pack, columns, labelled=None):
    return pack.metrics(sums_of(pack, columns, labelled), 900.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(40, 500))
def test_figures_are_those_of_the_rows(seed: int, n: int) -> None:
    """Quality, diversity, novelty, coverage and inequality equal `timonel.performance.ranking` to 1e-6."""
    pack, columns = _pack(), _rows(seed, n)
    m = _metrics(pack, columns, np.ones(n, bool))
    items = columns["items"][:, :K]
    relevant, chosen = relevance(items, columns["actual"])
    told = chosen > 0
    some, of = relevant[told], chosen[told]
    shown = figures.exposure(items, 60)
    information = figures.self_information(np.append(pack.popularity, 0))
    expected = {
        "hit_rate": figures.hit(some).mean(),
        f"precision@{K}": figures.precision(some).mean(),
        f"recall@{K}": figures.recall(some, of).mean(),
        f"ndcg@{K}": figures.ndcg(some, of).mean(),
        "mrr": figures.reciprocal_rank(some).mean(),
        "coverage": figures.coverage(shown),
        "gini": figures.gini(shown),
        "novelty": figures.novelty(items, information).mean(),
        "intra_list_diversity": figures.intra_list_diversity(items, pack.category).mean(),
        "cold_start_share": columns["cold"].mean(),
        "popularity_bias": shown[:6].sum() / shown.sum(),
        "ctr[1]": relevant[:, 0].mean(),
    }
    for name, value in expected.items():
        assert float(m[name]) == pytest.approx(value, abs=2e-6), name


def test_relevance_is_membership() -> None:
    """A place is relevant if its item was chosen; what is shown or chosen twice counts once."""
    items = np.array([[1, 2, 3], [4, 4, 5], [1, -1, -1]])
    actual = np.array([[3, 9, 3], [4, -1, -1], [-1, -1, -1]])
    relevant, chosen = relevance(items, actual)
    assert relevant.tolist() == [[False, False, True], [True, False, False], [False] * 3]
    assert chosen.tolist() == [2, 1, 0]


def test_one_chosen_item_may_come_as_a_plain_column() -> None:
    """(n,) and (n, 1) are the same."""
    pack, columns = _pack(), _rows(1, 100, chosen=1)
    flat = columns | {"actual": columns["actual"][:, 0]}
    assert _metrics(pack, columns)["mrr"] == _metrics(pack, flat)["mrr"]


def test_items_beyond_the_catalogue_share_a_counter() -> None:
    """Unlisted and new items have their share told, and no code is out of bounds."""
    popularity = np.arange(LISTED + 500, 0, -1)
    pack = RankingPack(popularity, np.zeros(len(popularity), np.int64), k=2)
    items = np.array([[0, LISTED], [1, LISTED + 499], [2, 10_000_000]] * 10, np.int32)
    actual = np.array([[10_000_000]] * 30, np.int32)
    sums = sums_of(pack, {"items": items, "actual": actual})
    m = pack.metrics(sums, 900.0)
    assert m["unlisted_share"] == 0.5
    assert float(m["coverage"]) == pytest.approx(3 / LISTED)
    assert float(m["hit_rate"]) == pytest.approx(1 / 3)
    assert "2,000 of 2,500 items" in pack.warnings(sums)[0]


def test_intervals_are_those_of_lists() -> None:
    """The mean nDCG has the normal interval of its lists, and covers the truth in 95 % of runs."""
    pack = _pack()
    truth = float(_metrics(pack, _rows(999, 60_000))[f"ndcg@{K}"])
    held = 0
    for seed in range(400):
        found = _metrics(pack, _rows(seed, 250))[f"ndcg@{K}"]
        held += found.lower <= truth <= found.upper
    assert 0.92 <= held / 400 <= 0.985


def test_empty_windows_have_no_data() -> None:
    """No list, no outcome, nobody who chose anything, empty lists: each says what is not known."""
    pack = _pack()
    none = {name: column[:0] for name, column in _rows(0, 50).items()}
    assert {value.state for value in _metrics(pack, none).values()} == {State.NO_DATA}
    unlabelled = _metrics(pack, _rows(0, 50), np.zeros(50, bool))
    for name in ("hit_rate", "mrr", f"ndcg@{K}", "ctr[1]"):
        assert unlabelled[name].state is State.NO_DATA, name
    assert unlabelled["coverage"].ok
    unmoved = _rows(0, 50)
    unmoved["actual"][:] = figures.NO_ITEM
    m = _metrics(pack, unmoved, np.ones(50, bool))
    assert m["hit_rate"].state is State.UNDEFINED
    assert m["mrr"].state is State.UNDEFINED
    assert m["ctr[1]"] == 0
    blank = _rows(0, 50)
    blank["items"][:] = figures.NO_ITEM
    m = _metrics(pack, blank)
    assert m["novelty"].state is State.NO_DATA
    assert m["coverage"].state is State.NO_DATA
    assert m["hit_rate"] == 0
