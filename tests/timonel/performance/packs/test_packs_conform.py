"""What every metric pack keeps: one contract with the windows."""

import json
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from pack_sums import events_of, sums_of
from timonel.performance.packs import (
    BinaryPack,
    FeaturePack,
    MulticlassPack,
    RankingPack,
    ServicePack,
    TextPack,
)
from timonel.performance.packs.pack import MetricPack
from timonel.performance.value import Measured
from timonel.reference.bins import CELLS, CategoryBins
from timonel.windows.layout import Layout
from timonel.windows.state import WindowState

Columns = dict[str, np.ndarray]


def _binary(rng: np.random.Generator, n: int) -> Columns:
    score = np.where(rng.random(n) < 0.1, np.nan, rng.beta(0.5, 3, n))
    predicted = np.where(np.isnan(score), -1, score > 0.3).astype(np.int8)
    actual = rng.choice([-1, 0, 1], n).astype(np.int8)
    explored = rng.random(n) < 0.3
    return {"score": score, "predicted": predicted, "actual": actual, "explored": explored}


def _multiclass(rng: np.random.Generator, n: int) -> Columns:
    names = ("predicted", "actual")
    columns: Columns = {name: rng.integers(-1, 4, n).astype(np.int32) for name in names}
    return columns | {"score": rng.random(n), "entropy": rng.random(n)}


def _service(rng: np.random.Generator, n: int) -> Columns:
    return {
        "latency_us": rng.integers(-1, 2_000_000, n),
        "status": rng.integers(0, 4, n).astype(np.int8),
        "null": rng.random(n) < 0.1,
        "violations": rng.poisson(0.1, n).astype(np.int32),
    }


def _text(rng: np.random.Generator, n: int) -> Columns:
    tokens = rng.integers(-1, 50, n).astype(np.int32)
    script = rng.integers(0, 10, n).astype(np.int8)
    return {"tokens": tokens, "oov": np.maximum(tokens // 3, 0), "script": script}


def _ranking(rng: np.random.Generator, n: int) -> Columns:
    items = rng.random((n, 30)).argsort(axis=1)[:, :10].astype(np.int32)
    return {"items": items, "actual": rng.integers(-1, 30, (n, 3)).astype(np.int32)}


def _features(rng: np.random.Generator, n: int) -> Columns:
    return {"cells": rng.integers(0, CELLS, (n, 2)).astype(np.uint8)}


BINS = tuple(CategoryBins(name, ("x",)) for name in "ab")
CASES: list[tuple[MetricPack, Callable[[np.random.Generator, int], Columns]]] = [
    (ServicePack(), _service),
    (BinaryPack(), _binary),
    (BinaryPack(suppressed="positive"), _binary),
    (MulticlassPack(("x", "y", "z")), _multiclass),
    (MulticlassPack(tuple(map(str, range(99)))), _multiclass),
    (TextPack(), _text),
    (RankingPack(np.arange(30)[::-1], np.arange(30) % 4), _ranking),
    (FeaturePack(BINS), _features),
]
every_pack = pytest.mark.parametrize(("pack", "columns_of"), CASES, ids=lambda x: type(x).__name__)


@every_pack
def test_windows_count_what_the_rows_add(pack, columns_of) -> None:
    """A window state has the sums of the rows, however the log is cut, and gives the same figures."""
    columns = columns_of(np.random.default_rng(0), 900)
    exact = sums_of(pack, columns)
    events, state = events_of(columns), WindowState(Layout.of([pack]))
    for start, end in pairwise([0, 1, 300, 900]):
        state.fold(events.slice(start, end), [pack])
    sums = state.sums(0, 120_000_000).load()
    for field in pack.fields:
        assert np.array_equal(sums[field.name], exact[field.name]), field.name
    assert pack.metrics(sums, 120.0) == pack.metrics(exact, 120.0)


@every_pack
def test_an_outcome_can_come_later_and_be_taken_back(pack, columns_of) -> None:
    """Judging remembered columns later adds what it would at once; taking it back leaves nothing."""
    columns = columns_of(np.random.default_rng(1), 400)
    events = events_of(columns)
    unlabelled = events_of(columns, np.zeros(400, bool))
    at_once, later = (WindowState(Layout.of([pack])) for _ in range(2))
    at_once.fold(events, [pack])
    later.fold(unlabelled, [pack])
    before = later.copy()
    kept = {name: columns[name] for name in {*pack.remembers, "actual"} if name in columns}
    if "actual" in kept:
        known = events_of(kept).take(events.labelled)
        later.judge(known, [pack])
        assert later == at_once
        later.judge(known, [pack], sign=-1)
    assert later == before


@every_pack
def test_figures_have_a_value_or_a_state(pack, columns_of) -> None:
    """At any number of rows each figure is Measured, JSON-able, within its interval; quality is named."""
    for n in (0, 1, 5, 30, 500):
        sums = sums_of(pack, columns_of(np.random.default_rng(n), n))
        found = pack.metrics(sums, 900.0)
        for name, value in found.items():
            assert isinstance(value, Measured), name
            saved = json.loads(json.dumps(value.to_dict(), allow_nan=False))
            assert type(value).from_dict(saved) == value
            if value.ok and value.lower is not None and value.upper is not None:
                assert value.lower <= float(value) <= value.upper, (n, name)
        assert pack.quality <= {name.split("[", 1)[0] for name in found}
        assert isinstance(pack.warnings(sums), list)


@every_pack
def test_fields_of_outcomes_are_marked(pack, columns_of) -> None:
    """What `judged` adds to is marked so, and what `served` adds to is not; both keep to the fields."""
    events = events_of(columns_of(np.random.default_rng(4), 200))
    judged = {field.name for field in pack.fields if field.judged}
    served = {field.name for field in pack.fields} - judged
    assert {item.field for item in pack.served(events)} <= served
    known = events.take(events.labelled)
    assert {item.field for item in (pack.judged(known) if len(known) else ())} == judged


@every_pack
def test_a_slice_has_all_but_what_is_not_sliced(pack, columns_of) -> None:
    """Without the fields that slices leave out the figures that need none of them stand."""
    sums = sums_of(pack, columns_of(np.random.default_rng(2), 200))
    sliced = {f.name: sums[f.name] for f in pack.fields if f.sliced}
    whole = pack.metrics(sums, 900.0)
    assert all(whole[name] == value for name, value in pack.metrics(sliced, 900.0).items())


def test_features_are_counted_cell_by_cell() -> None:
    """Missing and unplaced values are exact shares of each feature."""
    pack = FeaturePack(BINS)
    columns = _features(np.random.default_rng(3), 1000)
    m = pack.metrics(sums_of(pack, columns), 900.0)
    for j, name in enumerate("ab"):
        assert float(m[f"null_rate[{name}]"]) == (columns["cells"][:, j] == CELLS - 1).mean()
        assert float(m[f"other_rate[{name}]"]) == (columns["cells"][:, j] == CELLS - 2).mean()
