"""Texts and ranked lists go through the same monitor as tables."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from timonel import ModelMonitor, MonitorConfig, Reference
from timonel.contract import DataContract
from timonel.contract.model import ColumnContract
from timonel.performance.value import State
from timonel.reference.catalogue import Catalogue
from timonel.terms import Task

MINUTE = 60
WORDS = [f"word{i:03}" for i in range(300)]


def texts(n: int, seed: int, words: list[str] = WORDS) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(words, rng.integers(5, 30))) for _ in range(n)]


def contract(classes: tuple[str, ...]) -> DataContract:
    text = ColumnContract(name="body", kind="text")
    return DataContract(
        model="mails", task=Task.TEXT, features=(text,), target="topic", classes=classes, rows=800
    )


def reference(classes: tuple[str, ...]) -> Reference:
    labels = np.random.default_rng(1).choice(classes, 800)
    return Reference.fit(
        {"body": texts(800, 1), "topic": labels}, contract=contract(classes), labels="topic"
    )


def log(body: list[str], classes: tuple[str, ...], seed: int = 2) -> dict[str, object]:
    labels = np.random.default_rng(seed).choice(classes, len(body))
    time = 1.75e9 + np.arange(len(body)) * MINUTE
    return {"body": body, "prediction": labels, "actual": labels, "timestamp": time}


@pytest.mark.parametrize("classes", [("ham", "spam"), ("a", "b", "c")])
def test_texts_are_watched_by_length_unknown_words_and_script(classes: tuple[str, ...]) -> None:
    """A healthy log of texts shows no drift, one in other words and another script shows both."""
    healthy, strange = ModelMonitor(reference(classes)), ModelMonitor(reference(classes))
    healthy.track_batch(log(texts(1000, 5), classes))
    strange.track_batch(log([t.replace("word", "слово") for t in texts(1000, 5)], classes))
    before, after = healthy.calculate_metrics("1d"), strange.calculate_metrics("1d")
    assert before["oov_rate"] < 0.01
    assert before.data_drift_score < 0.1
    assert after["oov_rate"] > 0.99
    assert after["drift[(unknown words)]"] >= 1
    assert after["script_share[cyrillic]"] == 1
    assert before.accuracy == 1


def test_a_log_without_its_text_counts_missing_texts() -> None:
    """Where the text column is gone, the texts are missing and nothing else is lost."""
    monitor = ModelMonitor(reference(("ham", "spam")))
    columns = log(texts(100, 5), ("ham", "spam"))
    del columns["body"]
    monitor.track_batch(columns)
    metrics = monitor.calculate_metrics("1d")
    assert metrics.n == 100
    assert metrics["mean_tokens"].state is State.NO_DATA


def test_the_vocabulary_survives_its_file(tmp_path: Path) -> None:
    """A text reference comes back with its words."""
    one = reference(("ham", "spam"))
    one.save(tmp_path / "r.parquet")
    assert set(Reference.load(tmp_path / "r.parquet").vocabulary) == set(WORDS)


def lists(n: int, seed: int) -> tuple[list[list[str]], list[list[str]]]:
    rng = np.random.default_rng(seed)
    shown = [[f"i{j}" for j in rng.permutation(40)[:5]] for _ in range(n)]
    return shown, [[f"i{rng.integers(40)}"] for _ in range(n)]


def test_ranked_lists_are_told_from_the_predictions() -> None:
    """A monitor without settings takes predictions that are lists for rankings, labels late or not."""
    shown, chosen = lists(600, 0)
    at_once, late = ModelMonitor(), ModelMonitor()
    for i, (items, choice) in enumerate(zip(shown, chosen, strict=True)):
        facts = {"prediction_id": str(i), "timestamp": 1.75e9 + i * MINUTE}
        at_once.track_prediction(items, choice, facts)
        late.track_prediction(items, None, facts)
        late.track_label(str(i), choice)
    truth = np.mean([c[0] in s for s, c in zip(shown, chosen, strict=True)])
    for monitor in (at_once, late):
        metrics = monitor.calculate_metrics("1d")
        assert float(metrics["hit_rate"]) == pytest.approx(truth)
        assert metrics["coverage"] == 1
        assert metrics.n_labelled == 600


def test_a_catalogue_tells_new_items_and_diversity() -> None:
    """With the reference's catalogue, items beyond it are told apart and lists have a diversity."""
    catalogue = Catalogue(
        tuple(f"i{j}" for j in range(40)), tuple(range(80, 40, -1)), ("x", "y") * 20
    )
    shown, chosen = lists(300, 1)
    table = {"items": pa.array(shown), "history": np.arange(300.0)}
    known = Reference.fit(table, features=("history",))
    monitor = ModelMonitor(
        replace(known, task=Task.RANKING, catalogue=catalogue), MonitorConfig(k=5)
    )
    shown[0] = ["new1", "new2", "i1", "i2", "i3"]
    chosen[0] = ["new1"]
    monitor.track_batch({"prediction": shown, "actual": chosen, "timestamp": [1.75e9] * 300})
    metrics = monitor.calculate_metrics("1d")
    assert metrics["unlisted_share"] == pytest.approx(2 / 1500)
    assert metrics["ctr[1]"] > 0
    assert 0 < float(metrics["intra_list_diversity"]) < 1


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.TEXT, Task.RANKING])
def test_a_task_alone_does_not_say_its_classes_or_items(task: Task) -> None:
    """Where only the task is set, the first rows tell its classes, or the items."""
    found = [["a", "b", "c"][i % 3] for i in range(300)]
    predictions: list[object] = [[one, "d"] for one in found] if task is Task.RANKING else [*found]
    monitor = ModelMonitor(config=MonitorConfig(task=task))
    time = 1.75e9 + np.arange(300) * MINUTE
    monitor.track_batch({"prediction": predictions, "actual": found, "timestamp": time})
    metrics = monitor.calculate_metrics("1d")
    assert metrics["hit_rate" if task is Task.RANKING else "accuracy"] == 1
    assert not metrics.rejected
