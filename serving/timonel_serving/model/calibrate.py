"""How large a request may be and still be answered within the event loop.

A hop to the model's thread costs more than a small request does, but what runs in the loop holds up
everybody else, health checks too. So the server measures, once, what its own model takes.
"""

import time
from typing import Any

import orjson

from timonel.contract import ColumnContract, DataContract, FeatureReader
from timonel_serving.model.scoring import Scorer
from timonel_serving.protocol import v1

BUDGET = 0.001
"""Seconds that a request may hold up the event loop."""
_BYTES_A_VALUE = 6
"""About the least that a value takes in a body: with it bytes are told from rows."""
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


def inline_bytes(scorer: Scorer) -> int:
    """The length of the longest body that is answered within `BUDGET`; 0 when none is.

    It also warms the model up, so that the first request is no slower than others.
    """
    reader, row = FeatureReader(scorer.contract), _sample(scorer.contract)
    longest, row_bytes = 0, len(row) * _BYTES_A_VALUE
    for rows in _ROWS:
        body = orjson.dumps({"instances": [row] * rows})
        if min(_seconds(scorer, reader, body) for _ in range(4)) > BUDGET:
            break
        longest = rows
    return longest * row_bytes


def _seconds(scorer: Scorer, reader: FeatureReader, body: bytes) -> float:
    start = time.perf_counter()
    batch = v1.read(orjson.loads(body), reader)
    scorer.answer(batch, scorer.check(batch))
    return time.perf_counter() - start


def _sample(contract: DataContract) -> list[Any]:
    """A row that the contract allows."""
    return [_value(column) for column in contract.features]


def _value(column: ColumnContract) -> Any:
    if column.kind == "text":
        return "some words of a text " * 10
    if column.kind == "categorical":
        return column.categories[0] if column.categories else "some category"
    if column.kind == "boolean":
        return True
    return ((column.minimum or 0.0) + (column.maximum or 0.0)) / 2
