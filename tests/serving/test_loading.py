"""Long bodies are read by another parser, and mean what they would mean if they were short."""

import json
from typing import Any

import numpy as np
import pytest

from packages import Built
from requests_v2 import tensors
from timonel.contract import FeatureReader
from timonel_serving.problems import Malformed
from timonel_serving.protocol import loading, v2

PADDING = " " * 70_000


def read(body: str, built: Built) -> Any:
    """The batch that a V2 body holds."""
    numeric = frozenset(c.name for c in built.contract.numeric)
    payload = loading.load_tensors(body.encode(), numeric)
    return v2.read_inputs(
        v2.read_query(payload, ("predict", "score")).inputs, FeatureReader(built.contract)
    )


@pytest.mark.parametrize("rows", [1, 40])
def test_a_long_body_is_read_as_a_short_one(loans: Built, rows: int) -> None:
    """Numbers, whole numbers, booleans, missing values and words: the same batch from both parsers."""
    inputs = tensors(loans.rows(rows))
    inputs[0]["data"] = [1, *inputs[0]["data"][1:]]
    short = json.dumps({"inputs": inputs, "id": "a"})
    one, other = read(short, loans), read(short + PADDING, loans)
    np.testing.assert_array_equal(one.numeric, other.numeric)
    np.testing.assert_array_equal(one.categorical, other.categorical)


def test_numbers_of_long_bodies_become_arrays() -> None:
    """The columns named numeric come as arrays, others as lists, where all are numbers."""
    inputs = [{"name": n, "data": d} for n, d in (("a", [1, 2.5]), ("b", [1]), ("c", [1, None]))]
    body = json.dumps({"inputs": inputs}) + PADDING
    payload: Any = loading.load_tensors(body.encode(), frozenset("ac"))
    kinds = [type(t["data"]) for t in payload["inputs"]]
    assert kinds == [np.ndarray, list, list]


@pytest.mark.parametrize(
    "body", ['{"inputs": [', '{"inputs": [1e999]}', "[]", "7", '{"inputs": 3}', '{"inputs": [3]}']
)
def test_bad_long_bodies_are_refused_alike(loans: Built, body: str) -> None:
    """What is no request is refused with the same message at any length."""
    messages = []
    for text in (body, body + PADDING):
        with pytest.raises(Malformed) as caught:
            read(text, loans)
        messages.append(str(caught.value).split(":")[0])
    assert messages[0] == messages[1]


def test_a_key_that_is_there_twice_counts_once(loans: Built) -> None:
    """The last of two equal keys counts, in short and in long bodies."""
    good = json.dumps(tensors(loans.rows(1)))
    for tail in ("", PADDING):
        batch = read(f'{{"inputs": [], "inputs": {good}}}{tail}', loans)
        assert len(batch) == 1
