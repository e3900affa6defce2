"""The data contract: what it infers, what it lets through, what it says of the rest."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from timonel.config import Config, parse_config
from timonel.contract import (
    DataContract,
    Enforcer,
    FeatureReader,
    Rule,
    check_table,
    infer_contract,
    reject_broken,
    schema_drift,
    unexpected_columns,
)
from timonel.errors import BadInput


def settings(**data: Any) -> Config:
    columns = {"source": "d.csv", "target": "y", "time": "t", "key": "id"} | data
    return parse_config(
        "{model: {name: fraud}, data: " + repr(columns).replace("None", "null") + "}"
    )


def table(**columns: Any) -> pa.Table:
    base: dict[str, Any] = {
        "id": [1, 2, 3, 4],
        "t": [datetime(2024, 1, d) for d in (1, 2, 3, 4)],
        "amount": [10.0, None, 30.0, 50.0],
        "night": [True, False, True, False],
        "country": ["ES", "PT", None, "ES"],
        "y": [0, 0, 1, 0],
    }
    return pa.table({k: v for k, v in (base | columns).items() if v is not ...})


@pytest.fixture
def contract() -> DataContract:
    return infer_contract(table(), settings())


def violations(contract: DataContract, row: list[Any]) -> list[str]:
    batch = FeatureReader(contract).from_rows([row])
    return [str(v) for v in Enforcer(contract).check(batch)]


def test_columns_get_their_kinds_ranges_and_categories(contract: DataContract) -> None:
    """Types, nullability, ranges with a tolerance and categories are read off the table."""
    amount, night, country = contract.features
    assert (amount.kind, amount.nullable, amount.minimum, amount.maximum) == (
        "numeric",
        True,
        0,
        60,
    )
    assert (night.kind, night.nullable) == ("boolean", False)
    assert (country.kind, country.nullable, country.categories) == (
        "categorical",
        True,
        ("ES", "PT"),
    )
    assert contract.time_monotone
    assert contract.classes == (0, 1)


def test_roles_are_not_features(contract: DataContract) -> None:
    """Target, time, key and dropped columns never reach the model."""
    assert contract.model_order == ("amount", "night", "country")
    fewer = infer_contract(table(), settings(drop=["night"]))
    assert fewer.model_order == ("amount", "country")


def test_the_positive_class_comes_last() -> None:
    """The rarer value is positive by default, or the one that the settings name."""
    labels = ["no", "yes", "yes", "yes"]
    assert infer_contract(table(y=labels), settings()).classes == ("yes", "no")
    assert infer_contract(table(y=labels), settings(positive="yes")).classes == ("no", "yes")


def test_it_survives_its_file(contract: DataContract, tmp_path: Path) -> None:
    """A contract reads back as it was written."""
    contract.save(tmp_path / "contract.json")
    assert DataContract.load(tmp_path / "contract.json") == contract


@pytest.mark.parametrize(
    ("columns", "data", "says"),
    [
        ({"y": [0, 0, 0, 0]}, {}, "the target y has one value only (0 in all 4 rows)"),
        ({"y": [0, 1, None, 0]}, {}, "the target y is missing in 1 of 4 rows"),
        ({"y": [0, 1, 2, 0]}, {}, "set model.task to multiclass"),
        ({"y": [0.5, 1.5, 2.0, 0.1]}, {}, "expected classes"),
        (
            {"amount": pa.nulls(4, pa.float64())},
            {},
            "column amount has no value in any of the 4 rows",
        ),
        ({"amount": [1.0, float("inf"), 2.0, 3.0]}, {}, "column amount holds an infinite number"),
        ({"seen": [datetime(2024, 1, 1)] * 4}, {}, "column seen is a time"),
        ({"tags": [["a"], ["b"], [], []]}, {}, "column tags has type list"),
        ({}, {"target": "z"}, "data.target names the column z"),
        ({}, {"time": "when"}, "data.time names the column when"),
        ({}, {"positive": 7}, "data.positive is 7, the target y holds 0 and 1"),
    ],
)
def test_a_table_that_cannot_train_is_refused(
    columns: dict[str, Any], data: dict[str, Any], says: str
) -> None:
    """What cannot be learnt from is an error that names the column."""
    with pytest.raises(BadInput, match=re.escape(says)):
        infer_contract(table(**columns), settings(**data))


def test_an_empty_table_and_twice_the_same_column_are_refused() -> None:
    """No rows and ambiguous names are errors of their own."""
    with pytest.raises(BadInput, match="no rows"):
        infer_contract(table().slice(0, 0), settings())
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["y", "y"])
    with pytest.raises(BadInput, match="column y more than once"):
        infer_contract(twice, settings())


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ([1e9, True, "ES"], "column amount, row 0: out of range: 1e+09, expected 0 to 60"),
        ([-1, True, "ES"], "out of range: -1, expected 0 to 60"),
        ([float("inf"), True, "ES"], "column amount, row 0: not finite"),
        ([1, None, "ES"], "column night, row 0: missing value"),
        ([1, True, "FR"], "column country, row 0: unseen category: 'FR', expected one of ES, PT"),
    ],
)
def test_a_row_that_breaks_it_is_named(contract: DataContract, row: list[Any], says: str) -> None:
    """Each rule names column, row, what came and what was expected."""
    assert says in violations(contract, row)[0]


@pytest.mark.parametrize("row", [[None, False, None], [10, 1, "PT"], [60.0, True, "ES"]])
def test_a_row_within_it_passes(contract: DataContract, row: list[Any]) -> None:
    """Missing values where they were seen, and values at the edge of the range, are no violation."""
    assert violations(contract, row) == []


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            [[1.0, True]],
            "row 0 has 2 values: expected 3 values, in the order amount, night, country",
        ),
        ([5], "row 0 is the number 5"),
        ([["12", True, "ES"]], "column amount, row 0 is '12': expected a number"),
        ([[1.0, True, ["ES"]]], "column country, row 0 is ['ES']: expected text"),
    ],
)
def test_a_row_of_the_wrong_shape_is_refused(
    contract: DataContract, rows: list[Any], says: str
) -> None:
    """A value that is no number, or a row of another width, cannot be read at all."""
    with pytest.raises(BadInput, match=re.escape(says)):
        FeatureReader(contract).from_rows(rows)


def test_all_ways_in_give_the_same_numbers(contract: DataContract) -> None:
    """A table, lists, objects and columns with the same values become the same batch."""
    reader = FeatureReader(contract)
    data = table().select(list(contract.model_order))
    batches = [
        reader.from_table(table()),
        reader.from_rows([list(r.values()) for r in data.to_pylist()]),
        reader.from_dicts(data.to_pylist()),
        reader.from_columns(data.to_pydict()),
    ]
    for batch in batches[1:]:
        np.testing.assert_array_equal(batch.numeric, batches[0].numeric)
        np.testing.assert_array_equal(batch.categorical, batches[0].categorical)


def test_an_unknown_column_in_a_request_is_refused(contract: DataContract) -> None:
    """A misspelt column is not silently taken as missing."""
    with pytest.raises(BadInput, match="unknown column amuont"):
        FeatureReader(contract).from_dicts([{"amuont": 3}])


def test_schema_drift_is_reported_by_column(contract: DataContract) -> None:
    """A missing column and a changed type are each named; a new column is of note only."""
    changed = table(night=..., amount=["a", "b", "c", "d"], extra=[1, 2, 3, 4])
    found = {v.column: v.rule for v in schema_drift(contract, changed.schema)}
    assert found == {"amount": Rule.TYPE, "night": Rule.MISSING_COLUMN}
    assert unexpected_columns(contract, changed.schema) == ["extra"]


def test_a_table_is_held_to_key_and_time(contract: DataContract) -> None:
    """A repeated key and a time that goes back are violations of a training table."""
    found = {v.rule: v for v in check_table(contract, table().take([0, 1, 1, 0]))}
    assert "1 2 times" in found[Rule.UNIQUE].got
    assert found[Rule.ORDER].first_row == 3
    with pytest.raises(BadInput, match="breaks the data contract"):
        reject_broken(list(found.values()), "d.csv")


def test_the_training_table_keeps_its_own_contract() -> None:
    """A table never breaks the contract that was inferred from it."""
    assert check_table(infer_contract(table(), settings()), table()) == []


@given(
    st.lists(
        st.none() | st.floats(allow_nan=False, width=32) | st.integers(-(2**40), 2**40), min_size=1
    )
)
def test_any_number_is_judged_by_the_limits_alone(values: list[float | None]) -> None:
    """A number is let through exactly where it lies within the contract's range."""
    contract = infer_contract(table(), settings())
    rows = [[v, True, "ES"] for v in values]
    found = Enforcer(contract).check(FeatureReader(contract).from_rows(rows))
    broken = sum(v is not None and not 0 <= np.float32(v) <= 60 for v in values)
    assert sum(v.rows for v in found) == broken


def test_an_empty_text_is_a_missing_one() -> None:
    """Empty texts make a column nullable and are no category; nothing but them is no column at all."""
    blank = table(country=["ES", "", "PT", "ES"])
    contract = infer_contract(blank, settings())
    assert contract.categorical[0].nullable
    assert contract.categorical[0].categories == ("ES", "PT")
    assert check_table(contract, blank) == []
    with pytest.raises(BadInput, match="column country has no value in any of the 4 rows"):
        infer_contract(table(country=["", None, "", ""]), settings())
