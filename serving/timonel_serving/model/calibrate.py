"""How large a request may be and still be answered within the event loop.

A hop to the model's thread costs more than a small request does, but what runs in the loop holds up
everybody else, health checks too. So the server measures, once, what its own model takes.
"""

import time
from typing import Any

import orjson

from timonel_serving.model.answerer import Answerer

BUDGET = 0.001
"""Seconds that a request may hold up the event loop."""
_BYTES_A_VALUE = 6
"""About the least that a value takes in a body: with it bytes are told from rows."""
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


def inline_bytes(model: Answerer[Any, Any]) -> int:
    """The length of the longest body that is answered within `BUDGET`; 0 when none is.

    It also warms the model up, so that the first request is no slower than others.
    """
    row = model.example()
    longest, row_bytes = 0, len(row) * _BYTES_A_VALUE
    for rows in _ROWS:
        body = orjson.dumps({"instances": [row] * rows})
        if min(_seconds(model, body) for _ in range(4)) > BUDGET:
            break
        longest = rows
    return longest * row_bytes


def _seconds(model: Answerer[Any, Any], body: bytes) -> float:
    start = time.perf_counter()
    question = model.read_v1(orjson.loads(body))
    model.answer(question, model.check(question))
    return time.perf_counter() - start
