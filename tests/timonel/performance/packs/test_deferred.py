"""Figures that are computed when they are asked for."""

import pickle

import pytest

from timonel.performance.packs import BinaryPack
from timonel.performance.packs.deferred import Deferred, Layers, together
from timonel.performance.value import Measured
from timonel.windows.layout import Layout
from timonel.windows.state import WindowState


def test_a_figure_is_computed_when_it_is_read_and_once() -> None:
    """Names are known at once; only what is read is computed, and never twice."""
    asked: list[str] = []

    def ask(name: str) -> Measured:
        asked.append(name)
        return Measured(float(len(name)))

    figures = Deferred(dict.fromkeys(("a", "bb", "ccc")), ask)
    assert (list(figures), len(figures), "bb" in figures, "d" in figures) == (
        ["a", "bb", "ccc"],
        3,
        True,
        False,
    )
    assert not asked
    assert [figures["bb"], figures["bb"], figures.get("d")] == [2, 2, None]
    assert asked == ["bb"]
    with pytest.raises(KeyError):
        figures["d"]
    assert figures == {"a": Measured(1.0), "bb": Measured(2.0), "ccc": Measured(3.0)}
    assert sorted(asked) == ["a", "bb", "ccc"]


def test_figures_that_share_their_work_come_together() -> None:
    """A group is computed with the first of its figures that is read, once."""
    calls: list[int] = []

    def compute() -> dict[str, Measured]:
        calls.append(1)
        return {"a": Measured(1.0), "b": Measured(2.0)}

    figures = together(dict.fromkeys("ab"), compute)
    assert not calls
    assert [figures["b"], figures["a"]] == [2, 1]
    assert len(calls) == 1


def test_the_last_layer_stands() -> None:
    """Layers keep the order of their names; of a name in several, only the last one's is computed."""

    def never(name: str) -> Measured:
        raise AssertionError(name)

    hidden = Deferred(dict.fromkeys(("a", "b")), never)
    layers = Layers({"z": Measured(1.0)}, hidden, {"b": Measured(3.0), "a": Measured(2.0)})
    assert list(layers) == ["z", "a", "b"]
    assert (layers["a"], layers["b"], len(layers), "c" in layers) == (2, 3, 3, False)
    with pytest.raises(KeyError):
        layers["c"]
    assert pickle.loads(pickle.dumps(layers)) == dict(layers)


def test_a_pack_reads_only_the_counters_that_a_figure_needs() -> None:
    """What rests on confusion counts can be read where there is nothing else."""
    pack = BinaryPack()
    sums = dict(WindowState(Layout.of([pack])).sums(0, 1))
    few = {name: sums[name] for name in ("binary.predicted", "binary.confusion")}
    found = pack.metrics(few, 60.0)
    assert not found["accuracy"].ok
    assert "roc_auc" in found
    with pytest.raises(KeyError, match="labelled"):
        found["roc_auc"]
