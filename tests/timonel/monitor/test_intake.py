"""Intake: whatever is logged becomes events, and what cannot be used is counted under its reason."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from timonel.monitor import intake
from timonel.monitor.intake import read_events, tell_columns
from timonel.monitor.outcomes import (
    ODD_SCORE,
    UNSEEN_LABEL,
    UNSEEN_PREDICTION,
    BinaryOutcome,
    ClassOutcome,
)
from timonel.monitor.times import NO_TIME, UNREADABLE, as_datetime, micros, micros_of
from timonel.reference import Classes
from timonel.windows.events import Events

NEW_YEAR = 1_767_225_600_000_000
BINARY = BinaryOutcome(Classes(("0", "1")), 0.5)


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 1),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        pd.Timestamp("2026-01-01"),
        np.datetime64("2026-01-01"),
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "2026-01-01T02:00:00+02:00",
        1_767_225_600,
        1_767_225_600.0,
        1_767_225_600_000,
        NEW_YEAR,
        NEW_YEAR * 1000,
        np.int64(1_767_225_600),
    ],
)
def test_a_time_is_one_instant_however_it_is_written(value: object) -> None:
    """Naive times are UTC; numbers are seconds to nanoseconds by their size."""
    assert micros(value) == NEW_YEAR


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, NO_TIME),
        (float("nan"), NO_TIME),
        (pd.NaT, NO_TIME),
        ("", NO_TIME),
        ("soon", UNREADABLE),
        (1e308, UNREADABLE),
        (-5, UNREADABLE),
        (True, UNREADABLE),
        ([1], UNREADABLE),
        (datetime(2300, 1, 1), UNREADABLE),
    ],
)
def test_what_is_no_time_is_told_apart(value: object, expected: int) -> None:
    """A missing time and one that cannot be read are different things, and neither raises."""
    assert micros(value) == expected


@pytest.mark.parametrize(
    "column",
    [
        [datetime(2026, 1, 1), "2026-01-01T00:00:00Z", 1_767_225_600],
        pa.array([datetime(2026, 1, 1)] * 3),
        pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 3, pa.timestamp("ns", "Europe/Madrid")),
        pa.array(["2026-01-01"] * 3),
        np.full(3, 1_767_225_600.0),
        pd.Series(pd.to_datetime(["2026-01-01"] * 3)),
    ],
)
def test_columns_of_times(column: object) -> None:
    """A column of one type, or of many mixed, gives the instants."""
    assert micros_of(column).tolist() == [NEW_YEAR] * 3
    assert as_datetime(NEW_YEAR) == datetime(2026, 1, 1, tzinfo=UTC)


def read(columns: dict[str, Any], **options: Any) -> tuple[Events, Counter[str]]:
    reasons: Counter[str] = Counter()
    rows = len(next(iter(columns.values())))
    columns = {"timestamp": [NEW_YEAR] * rows} | columns
    log = tell_columns(columns, rows, options.pop("named", {}), options.pop("known", None), reasons)
    events, _ = read_events(
        log, options.pop("outcome", BINARY), options.pop("slices", ()), -1, reasons
    )
    return events, reasons


def test_probabilities_are_decided_by_the_threshold() -> None:
    """A prediction strictly between 0 and 1 is a score; a class is a class."""
    events, _ = read({"prediction": [0.7, 0.2, 1.0, 0.0, None]})
    assert events.columns["predicted"].tolist() == [1, 0, 1, 0, -1]
    assert events.columns["null"].tolist() == [False, False, False, False, True]
    np.testing.assert_array_equal(events.columns["score"], [0.7, 0.2, np.nan, np.nan, np.nan])


@pytest.mark.parametrize(
    "values", [[1, 0, None], [True, False, None], ["1", "0", None], [1.0, 0.0, None]]
)
def test_classes_of_any_type(values: list[object]) -> None:
    """Booleans, numbers and texts name the same classes."""
    events, reasons = read({"prediction": values, "actual": values})
    assert events.columns["predicted"].tolist() == [1, 0, -1]
    assert events.labelled.tolist() == [True, True, False]
    assert not reasons


def test_a_class_never_seen_is_counted() -> None:
    """A prediction or label that is no class of the model is counted, and the row still is an event."""
    events, reasons = read({"prediction": [1, 7], "actual": [9, 1]})
    assert len(events) == 2
    assert reasons == {UNSEEN_PREDICTION: 1, UNSEEN_LABEL: 1}
    assert events.columns["null"].tolist() == [False, False]


def test_scores_that_are_no_probability_are_counted() -> None:
    """Margins, infinities and 1e308 are no probabilities; NaN is a missing score and no fault."""
    events, reasons = read(
        {"score": [0.9, 3.0, np.inf, 1e308, np.nan], "prediction": [1, 1, 1, 1, 1]}
    )
    assert reasons == {ODD_SCORE: 3}
    assert np.isnan(events.columns["score"]).tolist() == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (200, 0),
        (500, 1),
        (504, 2),
        (408, 2),
        (422, 3),
        ("ok", 0),
        ("Timeout", 2),
        (None, 0),
        ("?", 1),
    ],
)
def test_status(given: object, expected: int) -> None:
    """HTTP codes and words say whether a request was answered."""
    events, reasons = read({"prediction": [1], "status": [given]})
    assert events.columns["status"].tolist() == [expected]
    assert bool(reasons) == (given == "?")


def test_latency_that_is_no_time_is_counted() -> None:
    """Negative and infinite latencies are counted and left out; missing ones are no fault."""
    events, reasons = read({"prediction": [1] * 5, "latency_ms": [1.5, -1, np.inf, 1e308, None]})
    assert events.columns["latency_us"].tolist() == [1500, -1, -1, -1, -1]
    assert reasons == {intake.BAD_LATENCY: 3}


def test_rows_without_a_time_are_counted_at_the_newest() -> None:
    """A missing timestamp costs no row; an unreadable one is told apart."""
    events, reasons = read({"prediction": [1, 1, 1], "timestamp": ["2026-01-01", None, "soon"]})
    assert events.time.tolist() == [NEW_YEAR, NEW_YEAR, UNREADABLE]
    assert reasons == {intake.NO_TIMESTAMP: 1, intake.BAD_TIME: 1}


def test_features_come_as_columns_or_as_mappings() -> None:
    """Both ways give the same features; a row whose features are no mapping is counted."""
    flat = tell_columns(
        {"prediction": [1, 0], "a": [1, 2], "b": ["x", "y"]}, 2, {}, None, Counter()
    )
    reasons: Counter[str] = Counter()
    rows = {"prediction": [1, 0], "features": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}
    nested = tell_columns(rows, 2, {}, None, reasons)
    assert nested.features == flat.features == {"a": [1, 2], "b": ["x", "y"]}
    tell_columns({"prediction": [1, 0], "features": [[1, 2], None]}, 2, {}, None, reasons)
    assert reasons == {intake.BAD_FEATURES: 1}


def test_features_that_come_and_go() -> None:
    """A feature that only some rows have is missing in the others."""
    log = tell_columns({"features": [{"a": 1}, {"b": 2}, {}]}, 3, {}, None, Counter())
    assert log.features == {"a": [1, None, None], "b": [None, 2, None]}


def test_a_feature_may_have_the_name_of_a_part() -> None:
    """A model whose feature is called `entity` keeps it, unless the settings say otherwise."""
    log = tell_columns({"entity": [1], "prediction": [1]}, 1, {}, ("entity",), Counter())
    assert set(log.roles) == {"prediction"}
    assert set(log.features) == {"entity"}


def test_columns_by_other_names() -> None:
    """The settings say which column is what."""
    events, _ = read(
        {"y_hat": [1], "when": ["2026-01-01"]}, named={"prediction": "y_hat", "timestamp": "when"}
    )
    assert events.time.tolist() == [NEW_YEAR]
    assert events.columns["predicted"].tolist() == [1]


def test_slices_are_read_from_features_and_parts() -> None:
    """A slicing column may be a feature or a part such as the entity; unhashable values go by their text."""
    events, _ = read(
        {"prediction": [1, 0, 1], "country": ["es", None, "fr"], "entity": [[1], [2], [1]]},
        slices=("country", "entity"),
    )
    country, entity = events.slices["country"], events.slices["entity"]
    assert [country.values[c] for c in country.codes] == ["es", "", "fr"]
    assert [entity.values[c] for c in entity.codes] == ["[1]", "[2]", "[1]"]


def test_violations_as_count_list_or_text() -> None:
    """The number of violations is read from what the predictor logs, in any form."""
    for column in ([0, 2], [[], ["a", "b"]], ["", "a: missing; b: unknown"]):
        events, _ = read({"prediction": [1, 1], "violations": column})
        assert events.columns["violations"].tolist() == [0, 2]


def test_class_probabilities_give_class_confidence_and_entropy() -> None:
    """Of several classes a list of probabilities decides the class where no prediction is given."""
    outcome = ClassOutcome(Classes(("a", "b", "c")))
    events, _ = read({"score": [[0.2, 0.7, 0.1], [0.5, 0.5, 0.0], [1.0]]}, outcome=outcome)
    assert events.columns["predicted"].tolist() == [1, 0, -1]
    np.testing.assert_allclose(events.columns["entropy"][:2], [0.80182, 0.69315], atol=1e-5)
    np.testing.assert_array_equal(events.columns["score"], [0.7, 0.5, np.nan])


def test_mixed_types_in_one_column_do_not_raise() -> None:
    """A column that holds numbers, texts, lists and mappings is read value by value."""
    odd = [1, "1", [1], {"a": 1}, None, object()]
    events, reasons = read({"prediction": odd, "latency_ms": odd, "score": odd})
    assert events.columns["predicted"].tolist() == [1, 1, -1, -1, -1, -1]
    assert reasons[UNSEEN_PREDICTION] == 3
