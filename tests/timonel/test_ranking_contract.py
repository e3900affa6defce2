"""The contract of a ranking's table."""

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from timonel.config import parse_config
from timonel.contract import DataContract, Enforcer, FeatureReader, infer_contract
from timonel.errors import BadInput

CONFIG = parse_config(
    "model: {name: shop, task: ranking}\n"
    "data: {source: d.csv, target: item, entity: user, time: t}\n"
    "ranking: {k: 3, max_k: 7, category: kind}\n"
)


def table(**columns: Any) -> pa.Table:
    base: dict[str, Any] = {
        "user": ["ann", "bob", "ann"],
        "item": [7, 7, 9],
        "kind": ["a", "a", None],
        "t": pa.array(np.datetime64("2026-01-01", "s") + np.arange(3)),
    }
    return pa.table({k: v for k, v in (base | columns).items() if v is not ...})


def test_the_one_feature_is_the_user() -> None:
    """The contract knows the user as a name of any value, the item as the target, and both k."""
    contract = infer_contract(table(), CONFIG)
    assert contract.model_order == ("user",)
    assert (contract.target, contract.entity, contract.classes) == ("item", "user", ())
    assert contract.ranking is not None
    assert (contract.ranking.k, contract.ranking.max_k) == (3, 7)
    again = DataContract.model_validate_json(contract.model_dump_json(exclude_defaults=True))
    assert again == contract


def test_a_new_user_keeps_the_contract_and_a_missing_one_breaks_it() -> None:
    """Any name is a user, a number too; no name is not."""
    contract = infer_contract(table(), CONFIG)
    batch = FeatureReader(contract).from_columns({"user": ["zoe", 12, None]})
    (breach,) = Enforcer(contract).breaches(batch)
    assert breach.rows.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"user": ["ann", "", None]}, "the user column user is empty in 2 of 3 rows"),
        ({"item": [7, None, 9]}, "the item column item is empty in 1 of 3 rows"),
        ({"item": [7, 7, 7]}, "one value only: a ranking needs two items at least"),
        ({"user": [1.5, 2.5, 3.5]}, "the user column user has type double"),
        ({"kind": [1.5, 2.5, 3.5]}, "the category column kind has type double"),
        ({"kind": ...}, "ranking.category names the column kind, which the table does not"),
        ({"user": ...}, "data.entity names the column user, which the table does not"),
    ],
)
def test_a_table_that_cannot_be_ranked_is_refused(columns: dict[str, Any], says: str) -> None:
    """What is missing or of a wrong type is named with its column."""
    with pytest.raises(BadInput, match=re.escape(says)):
        infer_contract(table(**columns), CONFIG)
