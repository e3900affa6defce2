"""Bad input: each kind has a defined answer, none raises for its content, and no count is lost."""

import json
import math
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from accounts import assert_nothing_lost
from timonel import ModelMonitor, MonitorConfig, Reference
from timonel.errors import BadInput

START = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FAR = datetime(2199, 1, 1, tzinfo=UTC)


LETTERS = Reference.fit({"x": np.arange(1000.0), "c": ["a", "b"] * 500})


class Awkward:
    """An object that cannot be compared, hashed or shown."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __str__(self) -> str:
        raise RuntimeError


ODD = {
    "none": None,
    "text": "yes",
    "empty": "",
    "bytes": b"1",
    "broken text": "\ud800",
    "long": "x" * 100_000,
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "1e308": 1e308,
    "huge": 10**400,
    "negative": -1,
    "list": [1],
    "dict": {"a": 1},
    "set": {1, 2},
    "array": np.array([1, 2]),
    "float32": np.float32(1),
    "NaT": pd.NaT,
    "NA": pd.NA,
    "complex": 1j,
    "time": START,
    "object": object(),
    "awkward": Awkward(),
    "function": len,
}
PARTS = (
    "prediction",
    "actual",
    "prediction_id",
    "timestamp",
    "latency_ms",
    "features",
    "score",
    "version",
    "entity",
    "status",
    "arrived_at",
    "explored",
    "violations",
)


def healthy(n: int, start: datetime = START) -> Iterator[dict[str, Any]]:
    """Rows of a model in good health, one a minute."""
    for i in range(n):
        yield {
            "prediction": i % 2,
            "actual": i % 2,
            "prediction_id": f"id{i}",
            "timestamp": start + i * MINUTE,
            "latency_ms": 12.5,
            "features": {"x": float(i), "c": "ab"[i % 2]},
        }


def track(monitor: ModelMonitor, row: dict[str, Any]) -> None:
    """Track a row of `healthy`."""
    metadata = {k: v for k, v in row.items() if k not in ("prediction", "actual")}
    monitor.track_prediction(row.get("prediction"), row.get("actual"), metadata)


def answers(monitor: ModelMonitor) -> None:
    """Every question has an answer that is valid JSON."""
    found = monitor.calculate_metrics("1d")
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.to_frame().num_rows == len(list(found))
    monitor.detect_anomalies()
    assert "<html" in monitor.report()


@pytest.mark.parametrize("slices", [(), ("x", "entity", "c")])
@pytest.mark.parametrize("part", [*PARTS, "feature"])
def test_any_value_in_any_part(part: str, slices: tuple[str, ...]) -> None:
    """Whatever stands in a part of a row, it is counted or its reason is, and the other rows too."""
    monitor = ModelMonitor(config=MonitorConfig(slices=slices))
    for row, value in zip(healthy(len(ODD)), ODD.values(), strict=True):
        odd = row | ({"features": {"x": value, "c": "a"}} if part == "feature" else {part: value})
        track(monitor, odd)
    for row in healthy(100, START + timedelta(hours=1)):
        track(monitor, row | {"prediction_id": None})
    found = assert_nothing_lost(monitor, 100 + len(ODD))
    assert found.n >= 100
    answers(monitor)


@pytest.mark.parametrize("name", ["text", "list", "1e308", "awkward", "nan"])
def test_metadata_that_is_no_mapping(name: str) -> None:
    """The prediction counts; what stands in its metadata's place is counted as odd."""
    monitor = ModelMonitor()
    for row in healthy(10):
        track(monitor, row)
    monitor.track_prediction(1, 1, ODD[name])
    found = assert_nothing_lost(monitor, 11, 11)
    assert found.rejected["metadata that is no mapping: ignored"] == 1


def test_names_that_are_no_text() -> None:
    """Metadata and features may have any names; those that are no text go by their text."""
    monitor = ModelMonitor()
    for row in healthy(10):
        features = {1: 2.0, ("a", 1): 3, None: 1, "\ud800": 1, "x": 1.0}
        track(monitor, row | {"features": features, 7: "a", None: 2})  # type: ignore[dict-item]
    assert_nothing_lost(monitor, 10, 10)
    answers(monitor)


@pytest.mark.parametrize("name", list(ODD))
def test_any_value_in_a_label(name: str) -> None:
    """An odd id, outcome or arrival costs that label alone, and is counted under its reason."""
    monitor = ModelMonitor()
    for row in healthy(30):
        track(monitor, row | {"actual": None})
    for i in range(27):
        monitor.track_label(f"id{i}", i % 2, START)
    monitor.track_label(ODD[name], 1, START)
    monitor.track_label("id28", ODD[name], START)
    monitor.track_label("id29", 1, ODD[name])
    found = assert_nothing_lost(monitor, 30, 30)
    assert found.n_labelled >= 28


@pytest.mark.parametrize("frame", [7, "text", None, [1, 2], object(), {"a": 1}])
def test_what_is_no_table(frame: object) -> None:
    """A batch that is no table is the caller's error, says so, and changes nothing."""
    monitor = ModelMonitor()
    with pytest.raises(BadInput, match="expected"):
        monitor.track_batch(frame)
    with pytest.raises(BadInput, match="expected"):
        monitor.track_labels(frame)
    assert_nothing_lost(monitor, 0)


def test_columns_of_different_lengths() -> None:
    """Such a mapping is no table."""
    with pytest.raises(BadInput, match="differ in rows"):
        ModelMonitor().track_batch({"prediction": [1, 0], "actual": [1]})


def test_naive_and_aware_times_together() -> None:
    """A naive time is UTC, in one column with aware ones of any zone."""
    zone = timezone(timedelta(hours=5, minutes=30))
    times = [START, START.replace(tzinfo=None), START.astimezone(zone), START.isoformat()]
    monitor = ModelMonitor()
    monitor.track_batch({"prediction": [1] * 4, "timestamp": times})
    for time in times:
        monitor.track_prediction(1, None, {"timestamp": time})
    assert_nothing_lost(monitor, 8)
    assert monitor.calculate_metrics(start=START, end=START + MINUTE).n == 8


def test_time_that_goes_backwards() -> None:
    """Events count in their own minute in whatever order they come."""
    rows = list(healthy(300))
    monitors = [ModelMonitor(), ModelMonitor()]
    for monitor, order in zip(monitors, (rows, rows[::-1]), strict=True):
        for row in order:
            track(monitor, row)
        assert_nothing_lost(monitor, 300, 300)
    forth, back = (m.calculate_metrics("1h") for m in monitors)
    assert forth.to_dict() == back.to_dict()
    assert forth.n == 60


@pytest.mark.parametrize("rows", [5, 50, 3000])
def test_rows_without_a_time_take_the_newest(rows: int) -> None:
    """After rows with a time, those without one count at the newest of them, and are told."""
    monitor = ModelMonitor()
    times = 1_767_225_600 + np.arange(rows)
    monitor.track_batch({"prediction": np.arange(rows) % 2, "timestamp": times})
    monitor.track_batch({"prediction": [1, 0]})
    monitor.track_prediction(1)
    found = assert_nothing_lost(monitor, rows + 3)
    assert found.n == rows + 3
    assert found.rejected == {"timestamp is missing: taken as the newest one": 3}


def test_what_is_older_than_the_retention() -> None:
    """Too late to count in its window: counted as such."""
    monitor = ModelMonitor(config=MonitorConfig(retention=timedelta(days=2)))
    for row in healthy(50):
        track(monitor, row)
    monitor.track_prediction(1, 1, {"timestamp": START - timedelta(days=9)})
    found = assert_nothing_lost(monitor, 51)
    assert found.rejected["prediction older than the retention"] == 1


@pytest.mark.parametrize("place", [0, 1, 25, 99])
def test_a_clock_far_ahead(place: int) -> None:
    """One event in the year 2199, the very first or a later one, is held back; no other expires for it."""
    monitor = ModelMonitor()
    for i, row in enumerate(healthy(100)):
        track(monitor, row | ({"timestamp": FAR} if i == place else {}))
        if i % 7 == 0:
            monitor.calculate_metrics("1h")
    found = assert_nothing_lost(monitor, 100)
    assert found.n == 99
    assert found.rejected == {"prediction held back: its time lies far ahead": 1}
    assert monitor.calculate_metrics("1h").n >= 59


def test_a_lone_event_counts_whatever_its_time() -> None:
    """Nothing contradicts the only event there is."""
    monitor = ModelMonitor()
    monitor.track_prediction(1, 1, {"timestamp": FAR})
    assert monitor.calculate_metrics("1h").n == 1


def test_a_jump_that_others_confirm() -> None:
    """After a week without traffic the first events wait, and count once there are enough of them."""
    monitor = ModelMonitor()
    later = START + timedelta(days=8)
    for row in [*healthy(100), *healthy(19, later)]:
        track(monitor, row | {"prediction_id": None})
    assert assert_nothing_lost(monitor, 119).n == 100
    for row in healthy(1, later + timedelta(hours=1)):
        track(monitor, row | {"prediction_id": None})
    assert assert_nothing_lost(monitor, 120).n == 120


def test_many_events_from_the_future_take_bounded_memory() -> None:
    """Of dates centuries ahead that never stop the oldest are given up, and counted."""
    monitor = ModelMonitor()
    n = 60_000
    times = 1_767_225_600_000_000 + np.arange(n) * 1_000_000
    times[1::3] = 7_000_000_000_000_000
    for start in range(0, n, 2000):
        part = {"timestamp": times[start : start + 2000], "prediction": np.ones(2000)}
        monitor.track_batch(part)
    found = assert_nothing_lost(monitor, n)
    assert found.n == 40_000
    assert found.rejected["prediction held back: its time lies far ahead"] <= 10_000


@pytest.mark.parametrize(
    "window", ["soon", "", "1 fortnight", "-1h", "0h", "30s", 7, True, [], {}, math.nan]
)
def test_windows_that_are_none(window: Any) -> None:
    """An unknown window is the caller's error, and the answer says what to write."""
    with pytest.raises(BadInput, match="window_size"):
        ModelMonitor().calculate_metrics(window)


@pytest.mark.parametrize(
    "asked",
    [
        {"start": "soon"},
        {"end": math.inf},
        {"start": START, "end": START},
        {"start": START, "end": START - MINUTE},
        {"start": START, "end": START + MINUTE, "window_size": "1h"},
        {"slice": "country"},
        {"slice": ("country", "ES")},
        {"slice": {"a": 1, "b": 2}},
    ],
)
def test_questions_that_make_no_sense(asked: dict[str, Any]) -> None:
    """A time that is none, an empty stretch and an unknown slice are the caller's errors."""
    monitor = ModelMonitor()
    for row in healthy(3):
        track(monitor, row)
    with pytest.raises(BadInput):
        monitor.calculate_metrics(**asked)


def test_a_version_that_never_was() -> None:
    """It has no predictions, and no metric of it is 0."""
    monitor = ModelMonitor()
    for row in healthy(30):
        track(monitor, row)
    found = monitor.calculate_metrics("1h", version="7")
    assert found.n == 0
    counts = {"n", "n_labelled"}
    assert {v.state for name, v in found.values.items() if name not in counts} == {"no data"}


def test_features_that_come_and_go() -> None:
    """A feature that a row lacks is missing there; one that the reference lacks is no one's concern."""
    monitor = ModelMonitor(LETTERS)
    features: list[Any] = [
        {"x": 1.0},
        {"c": "a"},
        {},
        None,
        {"new": 1},
        {"x": 1.0, "c": "b", "new": [1]},
    ]
    for i, row in enumerate(healthy(600)):
        track(monitor, row | {"features": features[i % 6]})
    found = assert_nothing_lost(monitor, 600, 600)
    assert found.n == 600
    assert found["drift[x]"].n == 600
    assert "drift[new]" not in found


@pytest.mark.parametrize("reference", [None, LETTERS])
def test_numbers_at_the_edge(reference: Reference | None) -> None:
    """NaN, infinities and 1e308 in any numeric part leave every figure finite."""
    values = [math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, 0.0, -0.0, 1.0]
    n = 3000
    column = np.resize(values, n)
    monitor = ModelMonitor(
        reference, MonitorConfig(learning_rows=500, learning_span=timedelta(hours=1))
    )
    monitor.track_batch(
        {
            "timestamp": 1_767_225_600 + 60 * np.arange(n),
            "prediction": np.arange(n) % 2,
            "actual": np.arange(n) % 2,
            "score": column,
            "latency_ms": column,
            "violations": column,
            "x": column,
            "c": column,
        }
    )
    assert assert_nothing_lost(monitor, n, n).n == n
    answers(monitor)


@pytest.mark.parametrize("column", ["c", "version"])
@pytest.mark.parametrize("reference", [None, LETTERS])
def test_huge_categories_take_bounded_memory(reference: Reference | None, column: str) -> None:
    """1e5 values of a feature that is sliced by, or of the version, are counted, most among the others."""
    config = MonitorConfig(slices=("c",), learning_span=timedelta(hours=1))
    monitor = ModelMonitor(reference, config)
    n, batch = 100_000, 20_000
    names = np.char.add("v", np.arange(n).astype(str))
    names[:50] = "a"
    sizes = []
    for at in range(0, n, batch):
        rows = slice(at, at + batch)
        part = {"timestamp": 1_767_225_600 + np.arange(n)[rows], "prediction": [1] * batch}
        monitor.track_batch(part | {column: names[rows]})
        sizes.append(monitor._tracker.account.state.nbytes)
    assert assert_nothing_lost(monitor, n).n == n
    state = monitor._tracker.account.state
    assert len(state.slice_values("c")) <= state.layout.max_slice_values + 1
    assert len(state.versions()) <= state.layout.max_versions + 1
    assert sizes[1:] == sizes[1:2] * 4
    assert len(monitor.report()) < 1e6
    if reference is not None and column == "c":
        assert monitor.calculate_metrics("7d", slice=("c", "a")).n == 50


def test_a_label_before_its_prediction() -> None:
    """It waits, and counts when the prediction comes."""
    monitor = ModelMonitor()
    for i in range(10):
        monitor.track_label(f"id{i}", 1, START)
    assert_nothing_lost(monitor, 0, 10)
    for row in healthy(10):
        track(monitor, row | {"actual": None})
    found = assert_nothing_lost(monitor, 10, 10)
    assert found.n_labelled == 10
    assert not found.rejected


def test_a_label_for_an_unknown_id() -> None:
    """It waits for a prediction that may still come, and is counted as waiting."""
    monitor = ModelMonitor()
    for row in healthy(10):
        track(monitor, row)
    monitor.track_label("nobody", 1, START)
    found = assert_nothing_lost(monitor, 10, 11)
    assert found.rejected == {"label that waits for its prediction": 1}


def test_duplicate_corrected_and_conflicting_labels() -> None:
    """The label that arrived last stands, of those that arrived at once always the same; each is counted."""
    monitor = ModelMonitor()
    for row in healthy(40):
        track(monitor, row | {"actual": None, "prediction": 1})
    said = [
        ("id0", 1, 1),
        ("id0", 1, 1),  # twice
        ("id1", 1, 1),
        ("id1", 0, 2),  # corrected
        ("id2", 0, 2),
        ("id2", 1, 1),  # outdated
        ("id3", 0, 1),
        ("id3", 1, 1),  # contradicts
    ]
    orders = [said, said[::-1]]
    found = []
    for order in orders:
        monitor = ModelMonitor()
        for row in healthy(40):
            track(monitor, row | {"actual": None, "prediction": 1})
        for name, actual, day in order:
            monitor.track_label(name, actual, START + timedelta(days=day))
            monitor.calculate_metrics("1h")
        metrics = assert_nothing_lost(monitor, 40, len(said))
        assert metrics.n_labelled == 4
        assert metrics.rejected["label that said what was known"] == 1
        assert metrics.rejected["label that contradicts another of the same time"] == 1
        found.append(metrics.to_dict()["metrics"])
    assert found[0] == found[1]


def test_a_class_never_seen_of_a_binary_model() -> None:
    """The prediction counts, its label does not, and both are said."""
    monitor = ModelMonitor(config=MonitorConfig(task="binary"))
    for row in healthy(40):
        track(monitor, row)
    monitor.track_prediction("maybe", "perhaps", {"timestamp": START})
    found = assert_nothing_lost(monitor, 41, 41)
    assert found.rejected["prediction is none of the model's classes"] == 1
    assert found.rejected["label is none of the model's classes"] == 1


def test_a_class_never_seen_of_several() -> None:
    """A class that the model lacks counts as one more, in the labels too, and a warning says so."""
    monitor = ModelMonitor(config=MonitorConfig(task="multiclass", classes=("a", "b", "c")))
    monitor.track_batch(
        {
            "timestamp": 1_767_225_600 + np.arange(60),
            "prediction": ["a", "b", "c"] * 20,
            "actual": ["a", "b", "d"] * 20,
        }
    )
    found = assert_nothing_lost(monitor, 60, 60)
    assert found.n_labelled == 60
    assert float(found.accuracy) == pytest.approx(2 / 3)
    assert any("none of the model's 3 classes" in warning for warning in found.warnings)


@pytest.mark.parametrize("fields", ["rows", "batches"])
def test_threads(fields: str) -> None:
    """Calls from several threads at once, questions among them, count every row and label once."""
    monitor = ModelMonitor()
    each, threads = 3000, 4

    def work(mine: int) -> None:
        start = START + timedelta(minutes=mine)
        if fields == "batches":
            for k in range(30):
                part = [f"{mine}-{k}-{i}" for i in range(100)]
                monitor.track_batch(
                    {"prediction": [1] * 100, "timestamp": [start] * 100, "prediction_id": part}
                )
                monitor.track_labels({"prediction_id": part, "actual": [1] * 100})
                monitor.calculate_metrics("1h")
            return
        for i in range(each):
            metadata = {"timestamp": start, "prediction_id": f"{mine}-{i}"}
            monitor.track_prediction(1, None, metadata)
            monitor.track_label(f"{mine}-{i}", 1)
            if i % 500 == 0:
                monitor.calculate_metrics("1h")

    workers = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = assert_nothing_lost(monitor, each * threads, each * threads)
    assert found.n == found.n_labelled == each * threads
    assert float(found.accuracy) == 1


def test_dictionaries_that_are_filled_again() -> None:
    """A caller may use one dictionary for all its rows."""
    monitor = ModelMonitor()
    features: dict[str, Any] = {}
    metadata: dict[str, Any] = {"features": features}
    for i in range(100):
        metadata["timestamp"] = START + i * MINUTE
        features["x"] = float(i)
        monitor.track_prediction(1, 1, metadata)
    assert_nothing_lost(monitor, 100, 100)
    assert monitor.calculate_metrics("1h").n == 60


def test_arrays_that_are_filled_again() -> None:
    """A caller may use one array for all its batches, while the monitor still learns from the first."""
    monitor = ModelMonitor(
        config=MonitorConfig(learning_rows=400, learning_span=timedelta(minutes=1))
    )
    x, time = np.empty(100), np.empty(100)
    rng = np.random.default_rng(0)
    for k in range(5):
        x[:], time[:] = rng.normal(0, 1, 100), 1_767_225_600 + 100 * k + np.arange(100)
        monitor.track_batch({"x": x, "timestamp": time, "prediction": np.ones(100)})
    reference = monitor.reference
    assert reference is not None
    held = np.asarray(reference.sample["x"].to_numpy())
    assert len(np.unique(held)) == len(held)
    assert_nothing_lost(monitor, 500)


def test_tables_without_a_row() -> None:
    """They count nothing, and do not fix what the model is."""
    monitor = ModelMonitor()
    monitor.track_batch(pa.table({"prediction": pa.array([], pa.float64())}))
    monitor.track_batch(pd.DataFrame())
    monitor.track_batch({})
    answers(monitor)
    for _ in range(50):
        monitor.track_prediction("spam", "ham")
    found = assert_nothing_lost(monitor, 50, 50)
    assert not found.rejected.keys() - {"timestamp is missing: taken as the newest one"}
    assert float(found.accuracy) == 0
