"""The tables of a recommender, and the lists made of them."""

from pathlib import Path

import numpy as np
import pytest

from timonel.errors import Corrupt
from timonel.performance.ranking import NO_ITEM
from timonel.ranker import (
    Factors,
    Histories,
    Items,
    Neighbours,
    Popularity,
    Ranker,
    Relations,
    load_ranker,
    save_ranker,
)

ITEMS = Items(
    np.array(list("abcde"), dtype=object),
    np.array([5, 4, 3, 2, 1], dtype=np.float32),
    np.array([9, 7, 5, 3, 1]),
    np.array(["x", "x", "y", "y", None], dtype=object),
)
HISTORIES = Histories(
    np.array(["ann", "bob"], dtype=object),
    np.array([0, 2, 3]),
    np.array([0, 3, 1], dtype=np.int32),
    np.array([1, 0.5, 1], dtype=np.float32),
)
NEIGHBOURS = Neighbours(
    np.array([[4, 2], [2, NO_ITEM], [0, 1], [4, NO_ITEM], [3, 0]], dtype=np.int32),
    np.array([[0.5, 0.2], [0.9, 0], [0.1, 0.1], [1, 0], [1, 0.5]], dtype=np.float32),
)
FACTORS = Factors(np.array([[1, 0], [0, 1], [1, 1], [2, 0], [0, 3]], dtype=np.float32))
ALL: list[Relations | Popularity] = [Popularity(), NEIGHBOURS, FACTORS]


def ranker(relations: Relations | Popularity, *, exclude_seen: bool = True) -> Ranker:
    """The small ranker."""
    return Ranker(ITEMS, HISTORIES, relations, exclude_seen)


def names(model: Ranker, *users: str, k: int = 2, **more: object) -> list[str]:
    """The lists as words; a dot where there is no item."""
    found = model.top_k(list(users), k, **more)  # type: ignore[arg-type]
    return ["".join("." if c == NO_ITEM else ITEMS.names[c] for c in row) for row in found.items]


def test_popularity_gives_the_most_popular_that_are_not_known() -> None:
    """Ann chose a and d: she gets b and c; with exclude_seen off she gets a and b."""
    assert names(ranker(Popularity()), "ann", "bob") == ["bc", "ac"]
    assert names(ranker(Popularity(), exclude_seen=False), "ann") == ["ab"]


def test_neighbours_add_their_similarities() -> None:
    """Ann's a and d (weight 1/2) give e 0.5 + 0.5 and c 0.2; the unrelated b comes last."""
    found = ranker(NEIGHBOURS).top_k(["ann"], 3)
    assert [ITEMS.names[c] for c in found.items[0]] == ["e", "c", "b"]
    assert found.scores[0] == pytest.approx([1.0, 0.2, 0])


def test_factors_multiply_out() -> None:
    """Ann's vector is a + d/2 = (2, 0): c scores 2, b and e 0, of which b is the more popular."""
    found = ranker(FACTORS).top_k(["ann"], 3)
    assert [ITEMS.names[c] for c in found.items[0]] == ["c", "b", "e"]
    assert found.scores[0] == pytest.approx([2, 0, 0])


@pytest.mark.parametrize("relations", ALL)
def test_an_unknown_user_gets_the_most_popular(relations: Relations | Popularity) -> None:
    """Whatever the model, who is not known is marked cold and gets the most popular items."""
    model = ranker(relations)
    found = model.top_k(["ann", "zoe", ""], 2)
    assert found.cold.tolist() == [False, True, True]
    assert names(model, "zoe", "") == ["ab", "ab"]


@pytest.mark.parametrize("relations", ALL)
def test_lists_end_where_the_catalogue_does(relations: Relations | Popularity) -> None:
    """Five items less two known leave three, however long the list may be; each item is there once."""
    found = ranker(relations).top_k(["ann", "zoe"], 50)
    assert found.items.shape == (2, 5)
    assert (found.items[0] != NO_ITEM).sum() == 3
    assert np.isnan(found.scores[0, 3:]).all()
    assert sorted(found.items[1].tolist()) == [0, 1, 2, 3, 4]


def test_each_user_may_have_a_length_and_exclusions() -> None:
    """Lists of one and three items, b excluded from the first, an unknown code from the second."""
    exclude = [np.array([1], dtype=np.int32), np.array([NO_ITEM], dtype=np.int32)]
    found = ranker(Popularity()).top_k(["ann", "bob"], np.array([1, 3]), exclude)
    assert found.items.tolist() == [[2, NO_ITEM, NO_ITEM], [0, 2, 3]]


def test_the_same_user_twice_gets_the_same_list_twice() -> None:
    """Duplicates in a request do not disturb each other, and no user gives no list."""
    assert names(ranker(NEIGHBOURS), "ann", "bob", "ann")[::2] == ["ec", "ec"]
    assert len(ranker(NEIGHBOURS).top_k([], 3)) == 0


def test_large_batches_are_ranked_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded, and the parts give what the whole gives."""
    users = ["ann", "zoe", "bob"] * 7
    exclude = [np.array([i % 5], dtype=np.int32) for i in range(len(users))]
    whole = ranker(FACTORS).top_k(users, 3, exclude)
    monkeypatch.setattr("timonel.ranker.model.CELLS", 10)
    parts = ranker(FACTORS).top_k(users, 3, exclude)
    assert np.array_equal(whole.items, parts.items)


@pytest.mark.parametrize("relations", ALL)
def test_a_ranker_comes_back_as_it_was(relations: Relations | Popularity, tmp_path: Path) -> None:
    """Saved and loaded it ranks the same, and saved twice its files are the same."""
    model = ranker(relations)
    save_ranker(model, tmp_path / "one")
    again = load_ranker(tmp_path / "one")
    before, after = (m.top_k(["ann", "zoe"], 4) for m in (model, again))
    assert np.array_equal(before.items, after.items)
    assert np.array_equal(before.scores, after.scores, equal_nan=True)
    assert again.items.groups is not None
    save_ranker(again, tmp_path / "two")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_a_spoilt_ranker_is_not_loaded(tmp_path: Path) -> None:
    """A missing file, another kind, a history that points nowhere: corrupt, with the folder's name."""
    model = ranker(NEIGHBOURS)
    save_ranker(model, tmp_path / "r")
    (tmp_path / "r" / "ranker.json").write_text('{"kind": "magic", "exclude_seen": true}')
    with pytest.raises(Corrupt, match="not a readable ranker"):
        load_ranker(tmp_path / "r")
    with pytest.raises(Corrupt, match="nowhere"):
        load_ranker(tmp_path / "nowhere")
    bad = Histories(HISTORIES.users, HISTORIES.starts, HISTORIES.items + 3, HISTORIES.weights)
    save_ranker(Ranker(ITEMS, bad, Popularity()), tmp_path / "b")
    with pytest.raises(Corrupt, match="catalogue does not have"):
        load_ranker(tmp_path / "b")
