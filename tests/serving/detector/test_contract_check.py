"""The contract of the reference, held against what was read."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from card_events import contract, payment
from timonel.frames import to_arrow
from timonel_serving.detector.contract_check import ContractCheck


def check(rows: list[dict[str, Any]]) -> tuple[list[int], dict[tuple[str, str], int]]:
    names = dict.fromkeys(name for row in rows for name in row)
    features = {name: to_arrow([row.get(name) for row in rows]) for name in names}
    each, counts = ContractCheck(contract()).check(features, len(rows))
    assert each.dtype == np.int32
    return each.tolist(), dict(counts)


def test_rows_that_keep_it_have_none() -> None:
    """Payments as the contract wants them, one without what may be missing."""
    rows = [payment(i) for i in range(50)]
    rows[7]["age"] = rows[8]["note"] = None
    assert check(rows) == ([0] * 50, {})


@pytest.mark.parametrize(
    ("changed", "column", "kind"),
    [
        ({"amount": -5.0}, "amount", "out of range"),
        ({"amount": None}, "amount", "missing value"),
        ({"amount": float("inf")}, "amount", "not finite"),
        ({"amount": "a lot"}, "amount", "type"),
        ({"amount": [1.0]}, "amount", "type"),
        ({"country": "XX"}, "country", "unseen category"),
        ({"country": None}, "country", "missing value"),
        ({"colour": "red"}, "(other)", "unexpected column"),
    ],
)
def test_each_violation_is_counted_by_column_and_kind(
    changed: dict[str, Any], column: str, kind: str
) -> None:
    """In the row that commits it, and in no other."""
    rows = [payment(i) for i in range(5)]
    rows[3] |= changed
    assert check(rows) == ([0, 0, 0, 1, 0], {(column, kind): 1})


def test_a_column_that_is_not_there_is_missing_in_each_row() -> None:
    """One violation a row, whether the others have it or none does."""
    rows = [payment(i) for i in range(4)]
    for row in rows:
        del row["country"]
    del rows[2]["amount"]
    expected = {("country", "missing value"): 4, ("amount", "missing value"): 1}
    assert check(rows) == ([1, 1, 2, 1], expected)


def test_columns_from_outside_do_not_make_series() -> None:
    """However many names are sent, they count under one."""
    rows = [payment(0) | {f"x{i}": i for i in range(500)}]
    assert check(rows) == ([500], {("(other)", "unexpected column"): 500})


def test_no_rows_have_no_violations() -> None:
    """An empty batch is fine."""
    each, counts = ContractCheck(contract()).check({"amount": pa.array([], pa.float64())}, 0)
    assert len(each) == 0
    assert not counts
