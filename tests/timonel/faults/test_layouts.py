"""Incidents on tables of other shapes: training tables, tables of labels, other types and times."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from incident_cases import SMALL
from timonel.errors import BadInput
from timonel.faults import (
    BadDeploy,
    CategoryRename,
    ColumnSwap,
    CovariateShift,
    DelayedRows,
    DuplicateRows,
    Incident,
    LabelDelay,
    LabelNoise,
    Layout,
    Model,
    NullBurst,
    PriorShift,
    SegmentOutage,
    ServingSkew,
    SuddenConceptChange,
    UnitChange,
    split_labels,
)

LOG = SMALL.table(np.random.default_rng(5))


def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(0)


def training(n: int = 400) -> pa.Table:
    """A plain table of features and a target of words."""
    draw = np.random.default_rng(1)
    return pa.table(
        {
            "at": pa.array(np.arange(n, dtype=np.int32)).cast(pa.date32()),
            "model": draw.normal(size=n),
            "size": draw.integers(0, 100, n),
            "fraud": np.where(draw.random(n) < 0.2, "yes", "no"),
        }
    )


PLAIN = Layout.plain("fraud", event_time="at", classes=("no", "yes"))


def test_a_training_table_takes_shifts_and_noise() -> None:
    """Where there are features and a target only, what concerns them works."""
    table = training()
    was = table["fraud"].to_pylist()[200:].count("yes")
    shifted = PriorShift(layout=PLAIN).apply(table, rng())
    assert shifted.table["fraud"].to_pylist()[200:].count("yes") == 2 * was
    # a column that happens to be called model is a feature here
    assert shifted.truth.changed == ("model", "size", "fraud")
    noisy = LabelNoise(layout=PLAIN).apply(table, rng()).table
    assert pc.sum(pc.not_equal(noisy["fraud"], table["fraud"])).as_py() == 20
    moved = CovariateShift(columns=("model",), layout=PLAIN).apply(table, rng()).table
    late = [np.asarray(t["model"])[200:] for t in (table, moved)]
    assert (late[1].mean() - late[0].mean()) / late[0].std() == pytest.approx(0.5, abs=0.2)


def test_a_training_table_needs_a_rule_for_another_concept() -> None:
    """Without a score the declared rule means nothing, and the error says what is missing."""
    incident = SuddenConceptChange(columns=("size",), layout=PLAIN)
    with pytest.raises(BadInput, match="needs a column score"):
        incident.apply(training(), rng())
    ruled = SuddenConceptChange(layout=PLAIN, rule=lambda t: np.ones(t.num_rows))
    assert set(ruled.apply(training(), rng()).table["fraud"].to_pylist()[200:]) == {"yes"}


def test_the_ledgers_labels_alone_can_be_late_and_wrong() -> None:
    """The table of labels has a layout of its own; age counts from the event time given."""
    labels = split_labels(LOG).labels
    noisy = LabelNoise(layout=Layout.labels()).apply(labels, rng())
    assert len(noisy.truth.rows) == round(0.1 * labels.num_rows / 2)
    late = LabelDelay(layout=Layout.labels()).apply(labels, rng())
    assert late.truth.changed == ("arrival_time",)


def test_integers_stay_integers_within_their_range() -> None:
    """An integer column is rounded and stops at the limits of its type."""
    table = pa.table({"x": pa.array([1, 100, None, 3], pa.int8())})
    done = UnitChange(columns=("x",), factor=1.5, onset=0.0, layout=Layout(event_time=None))
    assert done.apply(table, rng()).table["x"].to_pylist() == [2, 127, None, 4]


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_string(),
        pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.int32(), pa.large_string()),
    ],
)
def test_strings_of_any_kind_get_new_values_and_keep_their_type(kind: pa.DataType) -> None:
    """A category is renamed in long strings, as polars has them, and in dictionaries alike."""
    table = pa.table({"c": pa.array(["a", "a", "b", "a", None]).cast(kind)})
    done = CategoryRename(columns=("c",), onset=0.0, layout=Layout(event_time=None))
    changed = done.apply(table, rng()).table
    assert changed["c"].to_pylist() == ["a", "a", "b_new", "a", None]
    assert changed.schema.field("c").type == kind


def test_a_required_column_that_gets_nulls_says_so() -> None:
    """The schema does not claim what no longer holds."""
    schema = pa.schema([pa.field("x", pa.float64(), nullable=False)])
    table = pa.table({"x": [1.0, 2.0]}, schema=schema)
    burst = NullBurst(columns=("x",), rate=1.0, onset=0.5, layout=Layout(event_time=None))
    changed = burst.apply(table, rng()).table
    assert changed["x"].to_pylist() == [1.0, None]
    assert changed.schema.field("x").nullable


def test_string_views_are_refused_with_the_way_out() -> None:
    """Arrow has no kernels for them yet: the error says what to cast."""
    table = pa.table({"x": [1.0], "c": pa.array(["a"], pa.string_view())})
    incident = UnitChange(columns=("x",), layout=Layout(event_time=None))
    with pytest.raises(BadInput, match="cast c to a string first"):
        incident.apply(table, rng())


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Madrid"])
def test_times_of_any_unit_and_zone_are_instants(unit: str, zone: str | None) -> None:
    """The onset is the same instant in every unit and zone; without one, a time is UTC."""
    kind = pa.timestamp(unit, zone)
    hours = [datetime(2026, 1, 1, h, tzinfo=UTC) for h in range(4)]
    at = (
        pa.array(hours, pa.timestamp("us", "UTC")).cast(pa.timestamp("us")).cast(pa.timestamp(unit))
    )
    at = at.cast(pa.int64()).cast(kind)
    table = pa.table({"event_time": at, "arrival_time": at})
    for onset in (hours[2], hours[2].replace(tzinfo=None)):
        done = DelayedRows(onset=onset).apply(table, rng())
        assert done.truth.since == hours[2]
        assert done.truth.rows.tolist() == [2, 3]
        assert done.table.schema.field("arrival_time").type == kind
    ended = DelayedRows(onset=hours[2], end=hours[3]).apply(table, rng())
    assert ended.truth.rows.tolist() == [2]


def test_a_shuffled_table_is_judged_by_event_time() -> None:
    """Not the order of the rows but their time decides what was before the onset."""
    order = np.random.default_rng(2).permutation(LOG.num_rows)
    shuffled = LOG.take(pa.array(order))
    done = UnitChange(columns=("f2",)).apply(shuffled, rng())
    assert sorted(order[done.truth.rows]) == list(range(2000, 4000))


def test_more_than_two_classes() -> None:
    """Noise turns a label into any of the others; the last class is the positive one of a prior shift."""
    table = pa.table({"y": ["a", "b", "c", None] * 300})
    layout = Layout.plain("y", classes=("a", "b", "c"))
    noisy = (
        LabelNoise(rate=1.0, onset=0.0, layout=layout).apply(table, rng()).table["y"].to_pylist()
    )
    seen = set(zip(table["y"].to_pylist(), noisy, strict=True))
    assert seen == {*((x, y) for x in "abc" for y in "abc" if x != y), (None, None)}
    shifted = PriorShift(onset=0.0, layout=layout).apply(table, rng()).table["y"].to_pylist()
    assert (shifted.count("c"), shifted.count(None)) == (600, 300)


def test_batches_of_a_stream_can_be_injected_one_by_one() -> None:
    """With an event time for onset, what needs no other rows is the same batch by batch."""
    onset = SMALL.start + timedelta(days=2)
    incident = UnitChange(columns=("f2",), onset=onset)
    whole = incident.apply(LOG, rng()).table
    parts = [incident.apply(LOG.slice(i, 700), rng()).table for i in range(0, LOG.num_rows, 700)]
    assert pa.concat_tables(parts).equals(whole)


@pytest.mark.parametrize(
    ("incident", "says"),
    [
        (UnitChange(), "unit_change: columns is empty; expected numeric columns"),
        (
            UnitChange(columns=("channel",)),
            "column channel holds string; expected integers or floats",
        ),
        (UnitChange(columns=("event_time",)), "decides where the onset is"),
        (CategoryRename(columns=("f2",)), "column f2 holds double; category_rename needs strings"),
        (ColumnSwap(columns=("f2", "channel")), r"f2 \(double\), channel \(string\); expected two"),
        (ColumnSwap(columns=("f2",)), "expected two columns"),
        (SegmentOutage(columns=("channel", "country")), "expected the one column"),
        (ServingSkew(columns=("f2",)), "model is missing"),
        (SuddenConceptChange(), "expected columns whose effect changes, or a rule"),
        (LabelNoise(layout=Layout(classes=("no", "yes"))), "column label holds int64; the classes"),
        (LabelNoise(layout=Layout(classes=(1, 2))), "column label holds 0, which is none of"),
        (LabelDelay(layout=Layout(label_arrival_time=None)), "give Layout.label_arrival_time="),
        (UnitChange(columns=("f2",), layout=Layout(event_time="channel")), "expected timestamps"),
        (BadDeploy(model=Model(lambda t: np.zeros(3))), r"scores of shape \(3,\) for 2000 rows"),
        (
            UnitChange(columns=("f2",), onset=datetime(2026, 1, 6), layout=Layout(event_time=None)),
            "names no column event_time",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(incident: Incident, says: str) -> None:
    """Wrong columns, types and classes are told by name, with what is expected."""
    with pytest.raises(BadInput, match=says):
        incident.apply(LOG, rng())


def test_onset_and_end_are_both_with_or_without_a_zone() -> None:
    """Two times that cannot be compared are refused when the incident is made."""
    times: dict[str, Any] = {
        "onset": datetime(2026, 1, 1, tzinfo=UTC),
        "end": datetime(2026, 1, 2),
    }
    with pytest.raises(BadInput, match="time zone"):
        DuplicateRows(**times)


def test_a_column_that_is_there_twice_is_refused() -> None:
    """Of two columns of one name none is the right one."""
    table = pa.table([pa.array([1.0]), pa.array([2.0])], names=["x", "x"])
    incident = UnitChange(columns=("x",), layout=Layout(event_time=None))
    with pytest.raises(BadInput, match="2 columns x"):
        incident.apply(table, rng())
