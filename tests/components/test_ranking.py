"""Rankers through the steps of the pipeline: learnt, chosen, examined, packed."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.base import clone

from examined import quick
from podcasts import ranked
from slices import slice_of
from timonel.config import Candidate, Config
from timonel.contract import infer_contract
from timonel.errors import BadInput, Corrupt
from timonel.package import open_package
from timonel.performance.ranking import NO_ITEM
from timonel.ranker import Ranker
from timonel_components.evaluate import evaluate
from timonel_components.evaluation.gates import judge_gates
from timonel_components.evaluation.result import Evaluation
from timonel_components.ranking.estimators import (
    ItemKNNRanker,
    PopularityRanker,
    TruncatedSVDRanker,
)
from timonel_components.ranking.interactions import Interactions
from timonel_components.ranking.judging import Truth
from timonel_components.report import write_report
from timonel_components.split import split
from timonel_components.train import Trained, train
from timonel_components.validate import validate

CANDIDATES = ["popularity", "item-knn", "truncated-svd"]
QUALITY = ["ndcg_at_k", "hit_rate_at_k", "precision_at_k", "recall_at_k", "mrr"]


def choices(*rows: tuple[str, str, int]) -> Interactions:
    users, items, at = zip(*rows, strict=True)
    return Interactions(
        np.array(users, dtype=object), np.array(items, dtype=object), np.array(at, dtype=np.int64)
    )


SMALL = choices(
    ("ann", "a", 0), ("ann", "b", 1), ("bob", "a", 2), ("bob", "b", 3), ("bob", "b", 4),
    ("cat", "a", 5), ("cat", "c", 6), ("dan", "d", 10),
)  # fmt: skip


def small(**changes: Any) -> tuple[pa.Table, Config]:
    """A table of 600 choices, and settings for it."""
    table = slice_of("ranking", 10**6).slice(0, 600)
    return table, quick("ranking", **changes)


@pytest.mark.parametrize("kind", [PopularityRanker, ItemKNNRanker, TruncatedSVDRanker])
def test_rankers_are_estimators_of_scikit_learn(kind: Any) -> None:
    """They can be cloned and configured, and predict each user's best item."""
    model = clone(kind()).set_params(exclude_seen=False).fit(SMALL)
    assert len(model.predict(["ann", "zoe"])) == 2
    assert model.top_k(["ann"], 3).items.shape == (1, 3)


def test_a_choice_made_twice_counts_once_in_a_history() -> None:
    """Bob's history has a and b, the latter as of its last choice; popularity counts each choice."""
    ranker: Ranker = ItemKNNRanker(half_life=0.1, fame=1.0).fit(SMALL).ranker_
    row = ranker.histories.rows(["bob"])
    _, items, weights = ranker.histories.chosen(row)
    by_name = {ranker.items.names[i]: w for i, w in zip(items, weights, strict=True)}
    assert by_name == pytest.approx({"a": 0.5**8, "b": 0.5**6}, rel=1e-5)
    assert ranker.items.interactions.sum() == 8


def test_recent_choices_make_an_item_popular() -> None:
    """d was chosen once but last: it leads where fame fades fast, a leads where it hardly does."""
    fast, slow = (PopularityRanker(fame=f).fit(SMALL).ranker_.items.names for f in (0.05, 1.0))
    assert fast[0] == "d"
    assert slow[0] in ("a", "b")


def test_neighbours_are_alike_by_cosine() -> None:
    """a and b share ann and bob: 2 / (sqrt(3) sqrt(2) + shrink), whatever the block's size."""
    ranker = ItemKNNRanker(shrink=1.0).fit(SMALL).ranker_
    place = ranker.items.place
    near = dict(
        zip(
            ranker.relations.items[place["a"]].tolist(),
            ranker.relations.similarity[place["a"]].tolist(),
            strict=True,
        )
    )
    assert near[place["b"]] == pytest.approx(2 / (np.sqrt(6) + 1))
    assert near[place["c"]] == pytest.approx(1 / (np.sqrt(3) + 1))
    assert place["d"] not in near
    assert near[NO_ITEM] == 0


def test_more_components_than_items_are_cut(tmp_path: Path) -> None:
    """A space cannot have more dimensions than there are items."""
    ranker = TruncatedSVDRanker(components=64).fit(SMALL).ranker_
    assert ranker.relations.vectors.shape == (4, 3)


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_figures_are_those_of_a_plain_count(candidate: str) -> None:
    """Hit rate, recall, nDCG and the share of cold users agree with a loop over the test rows."""
    made = ranked(candidate)
    ranker: Ranker = made.trained.pipeline
    chosen: dict[str, set[str]] = {}
    for row in made.test.select(["listener", "show"]).to_pylist():
        chosen.setdefault(row["listener"], set()).add(row["show"])
    hits, recalls, gains = [], [], []
    for user, shows in chosen.items():
        found = ranker.top_k([user], 10)
        names = [ranker.items.names[c] for c in found.items[0]]
        hits.append(bool(shows & set(names)))
        recalls.append(len(shows & set(names)) / len(shows))
        best = sum(1 / np.log2(i + 2) for i in range(min(10, len(shows))))
        gains.append(sum(1 / np.log2(i + 2) for i, n in enumerate(names) if n in shows) / best)
    metrics = made.evaluation.metrics
    expected = {"hit_rate_at_k": hits, "recall_at_k": recalls, "ndcg_at_k": gains}
    for name, values in expected.items():
        assert metrics[name].value == pytest.approx(np.mean(values))
    unknown = set(chosen) - set(ranker.histories.users)
    assert metrics["cold_start_share"].value == pytest.approx(len(unknown) / len(chosen))
    assert len(unknown) > 30


def test_figures_have_intervals_and_groups_by_what_is_known() -> None:
    """Each figure lies in its interval; the groups by length of history add up to all users."""
    found = ranked().evaluation
    for name in [*QUALITY, "coverage", "gini", "novelty", "diversity", "cold_start_share"]:
        e = found.metrics[name]
        assert e.low is not None
        assert e.value is not None
        assert e.high is not None
        assert e.low < e.value < e.high
    assert found.ranking is not None
    groups = {s.group: s.rows for s in found.slices}
    assert set(groups) == {"none", "1 to 10", "11 to 30", "over 30"}
    assert sum(groups.values()) == found.ranking.users
    assert len(found.ranking.by_position) == 10


def test_tastes_are_personal() -> None:
    """On the example both personal rankers beat popularity, by the paired interval."""
    base = ranked("popularity")
    for candidate in ("item-knn", "truncated-svd"):
        mine = ranked(candidate)
        truth = Truth.of(Interactions.of(mine.test, mine.config), mine.trained.pipeline)
        new, old = (truth.judge(m.trained.pipeline, 10) for m in (mine, base))
        gain = new.relevant.mean(axis=1) - old.relevant.mean(axis=1)
        assert gain.mean() > 2 * gain.std() / np.sqrt(len(gain))


def test_the_champion_is_compared_user_by_user(tmp_path: Path) -> None:
    """Against itself a ranker differs by exactly nothing, and a gate on the loss holds."""
    made = ranked()
    champion = made.package(tmp_path / "champion")
    found = evaluate(made.trained, made.test, made.contract, made.config, champion)
    assert found.challenge is not None
    assert {found.challenge.difference[n].value for n in QUALITY} == {0.0}
    gates = {"gates": [{"metric": "mrr", "max_loss_to_champion": 0.0}], "bootstrap": 50}
    assert judge_gates(found, quick("ranking", evaluation=gates)).passed


def test_the_choice_is_made_without_the_test_rows(tmp_path: Path) -> None:
    """Other test rows give the same model to the byte; the validation rows are learnt from."""
    table, config = small()
    contract, parts = infer_contract(table, config), split(table, config)
    train(parts, contract, config, Candidate.ITEM_KNN).save(tmp_path / "one")
    other = type(parts)(parts.train, parts.validation, parts.test.slice(0, 5), parts.summary)
    train(other, contract, config, Candidate.ITEM_KNN).save(tmp_path / "two")
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.parquet"))
    assert len(files) == 2
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    known = set(Trained.load(tmp_path / "one").pipeline.histories.users)
    assert known == set(pa.concat_tables([parts.train, parts.validation])["listener"].to_pylist())


def test_the_search_takes_the_best_setting() -> None:
    """With trials the score on the validation rows is at least that of the default setting."""
    table, config = small()
    contract, parts = infer_contract(table, config), split(table, config)
    one = train(parts, contract, config, Candidate.TRUNCATED_SVD).info
    wide = quick("ranking", train={"trials": 6})
    many = train(parts, contract, wide, Candidate.TRUNCATED_SVD).info
    assert (one.trials, many.trials) == (1, 6)
    assert many.score >= one.score


def test_the_package_ranks_as_the_examined_model(tmp_path: Path) -> None:
    """The tables travel whole: digests hold, lists are the same, the reference has the judged lists."""
    made = ranked()
    package = open_package(made.package(tmp_path / "p").path)
    assert (package.manifest.backend, package.manifest.threshold) == ("tables", None)
    assert {"ranker/items.parquet", "ranker/histories.parquet"} <= package.manifest.files.keys()
    lists = pq.ParquetFile(package.path / "reference.parquet").read().to_pylist()
    found = made.evaluation
    assert found.ranking is not None
    assert len(lists) == found.ranking.users
    hits = np.mean([any(row["relevant"]) for row in lists])
    assert hits == pytest.approx(found.metrics["hit_rate_at_k"].value)
    assert json.loads((package.path / "reference.json").read_text())["k"] == 10
    card = (package.path / "MODEL_CARD.md").read_text()
    assert "lists of 10 for" in card
    assert "A user who is not known gets the most popular items." in card
    (package.path / "ranker" / "items.parquet").write_bytes(b"")
    with pytest.raises(Corrupt, match=r"ranker/items.parquet has SHA-256"):
        open_package(package.path)


def test_the_report_shows_places_and_exposure(tmp_path: Path) -> None:
    """The page of a ranking has its two pictures and nothing of classes, and the result comes back."""
    found = ranked().evaluation
    page = write_report(found, tmp_path).read_text()
    assert (tmp_path / "exposure.svg").exists()
    assert (tmp_path / "positions.svg").exists()
    assert not (tmp_path / "confusion.svg").exists()
    assert "Calibration" not in page
    assert "users who went on to choose something new" in page
    assert Evaluation.load(tmp_path / "evaluation.json") == found


def test_seen_items_may_be_offered_again() -> None:
    """With exclude_seen off, choosing the same again counts, and lists hold what users know."""
    config = quick("ranking", ranking={"exclude_seen": False})
    later = choices(("bob", "b", 20), ("ann", "a", 21))
    again = PopularityRanker(exclude_seen=False).fit(SMALL).ranker_
    assert len(Truth.of(later, again)) == 2
    assert Truth.of(later, again).judge(again, 4).relevant.any(axis=1).all()
    never = PopularityRanker().fit(SMALL).ranker_
    with pytest.raises(BadInput, match="no list can be judged"):
        Truth.of(later, never)
    assert not config.ranking.exclude_seen


def test_an_item_that_nobody_could_offer_counts_as_missed() -> None:
    """A new item among two choices halves the recall; a user with nothing new is left out."""
    ranker = PopularityRanker().fit(SMALL).ranker_
    later = choices(("ann", "c", 20), ("ann", "new", 21), ("dan", "d", 22), ("zoe", "a", 23))
    truth = Truth.of(later, ranker)
    assert (list(truth.users), truth.nothing_new) == (["ann", "zoe"], 1)
    judged = truth.judge(ranker, 4)
    assert judged.n_relevant.tolist() == [2, 1]
    assert judged.relevant.sum(axis=1).tolist() == [1, 1]
    assert judged.cold.tolist() == [False, True]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"train": {"metric": "roc_auc"}}, "roc_auc, which does not compare rankings"),
        ({"train": {"metric": "gini"}}, "gini, which does not compare rankings"),
    ],
)
def test_a_metric_of_another_task_is_refused(changes: dict[str, Any], says: str) -> None:
    """Rankings are compared by the quality of their lists alone."""
    table, config = small(**changes)
    with pytest.raises(BadInput, match=re.escape(says)):
        train(split(table, config), infer_contract(table, config), config, Candidate.POPULARITY)


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ({"metric": "roc_auc", "at_least": 0.5}, "roc_auc, which this model does not have"),
        ({"metric": "gini", "max_loss_to_champion": 0.1}, "cannot be compared with a champion"),
        ({"metric": "diversity", "at_least": 0.1}, "diversity, which this model does not have"),
    ],
)
def test_gates_are_checked_before_training(gate: dict[str, Any], says: str) -> None:
    """A gate on a figure that rankings lack, or have only with a category, is refused at once."""
    table, config = small(evaluation={"gates": [gate]}, ranking={"category": None})
    with pytest.raises(BadInput, match=re.escape(says)):
        validate(table, config)


def test_new_users_and_items_are_no_news() -> None:
    """A later table with other users, items and a new column gives no notes."""
    table, config = small()
    before = infer_contract(table.slice(0, 100), config)
    assert validate(table, config, before).notes == ()
