"""What every incident promises, whichever it is."""

import json
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_cases import ARGUMENTS, SMALL, bits, inject, make, rows_of, serialised
from timonel.errors import BadInput
from timonel.faults import INCIDENTS, Cause, Layout, Severity
from timonel.faults.window import EPOCH, find_window

EVERY = sorted(INCIDENTS)
HEALTHY = SMALL.table(np.random.default_rng(7))
MIDDLE = SMALL.start + timedelta(days=3.5)
every_incident = pytest.mark.parametrize("name", EVERY)


def test_every_incident_is_in_the_suite() -> None:
    """An incident that is added is tested as all others are."""
    assert sorted(ARGUMENTS) == EVERY
    assert {kind.cause for kind in INCIDENTS.values()} == set(Cause)


@every_incident
@pytest.mark.parametrize("severity", list(Severity))
def test_rows_before_the_onset_keep_their_bits(name: str, severity: Severity) -> None:
    """The past is the same in every column, in the same order; the rest is not."""
    done = inject(name, HEALTHY, onset=MIDDLE, severity=severity)
    past = [find_window(t, "event_time", MIDDLE).before for t in (HEALTHY, done.table)]
    assert past[0].sum() > 1000
    assert rows_of(HEALTHY, past[0]) == rows_of(done.table, past[1])
    assert bits(HEALTHY) != bits(done.table)
    assert done.table.schema.types == HEALTHY.schema.types
    assert done.table.column_names == HEALTHY.column_names


@every_incident
def test_only_what_the_truth_names_has_changed(name: str) -> None:
    """Rows and columns that the truth leaves out are as they were, and it names none in vain."""
    done = inject(name, HEALTHY, onset=0.3, end=0.8)
    source = HEALTHY.take(pa.array(done.origin))
    acted = np.zeros(done.table.num_rows, dtype=bool)
    acted[done.truth.rows] = True
    assert rows_of(source, ~acted) == rows_of(done.table, ~acted)
    before, after = bits(source), bits(done.table)
    assert {c for c in before if before[c] != after[c]} == set(done.truth.changed)
    assert done.truth.removed == HEALTHY.num_rows - len(np.unique(done.origin))


@every_incident
def test_rows_from_the_end_on_are_as_they_were(name: str) -> None:
    """An incident that has an end is over then."""
    end = MIDDLE + timedelta(days=2)
    done = inject(name, HEALTHY, onset=MIDDLE, end=end)
    after = [find_window(t, "event_time", end).rows for t in (HEALTHY, done.table)]
    assert after[0].sum() > 300
    assert rows_of(HEALTHY, after[0]) == rows_of(done.table, after[1])
    assert (done.truth.since, done.truth.until) == (MIDDLE, end)


@every_incident
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    """Nothing but table, incident and seed decides what comes out; the input is left alone."""
    given_bytes = serialised(HEALTHY)
    first, second = inject(name, HEALTHY, seed=3), inject(name, HEALTHY, seed=3)
    assert serialised(first.table) == serialised(second.table)
    assert first.truth == second.truth
    assert first.truth.rows.tolist() == second.truth.rows.tolist()
    assert serialised(HEALTHY) == given_bytes


@every_incident
def test_no_rows_and_an_onset_after_the_last_row_change_nothing(name: str) -> None:
    """An incident that meets no row says so: since never, no rows."""
    for table, onset in ((HEALTHY.slice(0, 0), 0.0), (HEALTHY, 1.0)):
        done = inject(name, table, onset=onset)
        assert done.table.equals(table)
        assert (done.truth.since, len(done.truth.rows), done.truth.removed) == (None, 0, 0)


@every_incident
def test_a_single_row_is_enough(name: str) -> None:
    """The least table with a row goes through, from its first row on."""
    done = inject(name, HEALTHY.slice(0, 1), onset=0.0)
    assert done.table.num_rows in (0, 1, 2)


@every_incident
def test_a_missing_column_is_named(name: str) -> None:
    """Each column that an incident needs is missed by name, with those that are there."""
    incident = make(name)
    assert incident.needs()
    for column in incident.needs():
        with pytest.raises(BadInput, match=f"{name}: the table has no column {column}; it has"):
            incident.apply(HEALTHY.drop_columns([column]), np.random.default_rng(0))


@every_incident
def test_a_wrong_parameter_is_refused_by_name(name: str) -> None:
    """Parameters out of range, unknown severities and impossible moments never reach a table."""
    incident = INCIDENTS[name]
    for parameter in incident.grades():
        with pytest.raises(BadInput, match=f"{name}: {parameter} is"):
            make(name, **{parameter: float("nan")})
    for wrong in ({"severity": "awful"}, {"onset": 1.5}, {"end": -0.1}, {"onset": 0.5, "end": 0.4}):
        with pytest.raises(BadInput, match=name):
            make(name, **wrong)


@every_incident
def test_severity_sets_the_parameters_that_are_not_given(name: str) -> None:
    """Every grade can be had by its severity, also of an incident that exists; given values stay."""
    medium = make(name)
    assert medium.at(Severity.HIGH) == make(name, severity="high")
    for parameter, grades in medium.grades().items():
        assert getattr(medium, parameter) == grades.medium
        given_low = make(name, **{parameter: grades.low})
        assert getattr(given_low, parameter) == grades.low
    graded = [g for g in medium.grades().values() if g.low != g.high]
    assert graded, "no parameter follows the severity"


@every_incident
def test_incidents_are_frozen_and_documented(name: str) -> None:
    """An incident is data: it cannot change after it was made, and says what it is."""
    incident = make(name)
    assert INCIDENTS[name].__doc__
    with pytest.raises(FrozenInstanceError):
        incident.severity = Severity.LOW  # type: ignore[misc]


@every_incident
def test_the_truth_is_json(name: str) -> None:
    """The truth says what, where, since when and why, in plain JSON."""
    truth = inject(name, HEALTHY, onset=MIDDLE).truth
    plain = json.loads(json.dumps(truth.to_dict()))
    assert plain["incident"] == name
    assert plain["cause"] == INCIDENTS[name].cause
    assert plain["since"] == MIDDLE.isoformat()
    assert plain["rows"]["n"] + plain["removed"] > 0
    assert plain["what"]
    assert set(plain["parameters"]) >= set(INCIDENTS[name].grades())
    assert set(plain) == {f.name for f in fields(truth)}


def _column(values: st.SearchStrategy[Any], n: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.none() | values, min_size=n, max_size=n)


@st.composite
def _tables(draw: st.DrawFn) -> pa.Table:
    """A few rows of a log in any order: ties, gaps, NaN, infinities, huge and missing values."""
    n = draw(st.integers(0, 12))
    number = st.floats(allow_subnormal=False)
    instant = st.integers(0, 10).map(lambda hours: EPOCH + timedelta(hours=hours))
    word = st.sampled_from(["a", "b", "", "é"])
    columns: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
        "event_time": (pa.timestamp("us", "UTC"), instant),
        "arrival_time": (pa.timestamp("ns"), instant.map(lambda t: t.replace(tzinfo=None))),
        "version": (pa.int16(), st.integers(0, 3)),
        "entity": (pa.string(), word),
        "amount": (pa.float64(), number),
        "f2": (pa.float32(), st.floats(width=32, allow_subnormal=False)),
        "f3": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
        "channel": (pa.string(), word),
        "country": (pa.dictionary(pa.int32(), pa.string()), word),
        "score": (pa.float64(), st.floats(0, 1, allow_subnormal=False)),
        "prediction": (pa.int64(), st.integers(0, 1)),
        "latency_ms": (pa.float64(), st.floats(0, 1e6)),
        "label": (pa.bool_(), st.booleans()),
        "label_arrival_time": (pa.timestamp("us", "UTC"), instant),
    }
    arrays = {name: pa.array(draw(_column(s, n)), kind) for name, (kind, s) in columns.items()}
    return pa.table(arrays)


@every_incident
@settings(max_examples=25, deadline=None)
@given(table=_tables(), hour=st.integers(0, 11), seed=st.integers(0, 99))
def test_any_table_keeps_its_past(name: str, table: pa.Table, hour: int, seed: int) -> None:
    """However odd the values and their order: rows before the onset, and without a time, are untouched."""
    onset = datetime(1970, 1, 1, hour, tzinfo=UTC)
    with np.errstate(over="ignore", invalid="ignore"):
        done = inject(name, table, seed=seed, onset=onset, severity="high")
    outside = [~find_window(t, "event_time", onset).rows for t in (table, done.table)]
    assert rows_of(table, outside[0]) == rows_of(done.table, outside[1])
    assert done.table.schema.types == table.schema.types
    assert len(done.origin) == done.table.num_rows


def test_positions_are_the_time_of_a_table_without_one() -> None:
    """Without an event time the order of the rows decides, and the truth gives a position."""
    table = pa.table({"x": [1.0] * 10, "y": [0, 1] * 5})
    done = INCIDENTS["unit_change"](columns=("x",), onset=0.7, layout=Layout.plain("y")).apply(
        table, np.random.default_rng(0)
    )
    assert done.table["x"].to_pylist() == [1.0] * 7 + [100.0] * 3
    assert done.truth.since == 7
