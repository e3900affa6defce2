"""JSON bodies to Python objects.

A long V2 body is mostly numbers. Those of numeric columns go straight into arrays, without a Python
object each: half the time of reading them.
"""

import threading
from typing import Any

import numpy as np
import orjson
import simdjson

from timonel_serving.problems import Malformed

_LONG = 64 * 1024
"""Bytes from which the other parser pays."""


class _Parsers(threading.local):
    """A parser for each thread, which keeps its buffers."""

    def __init__(self) -> None:
        self.parser = simdjson.Parser()


_PARSERS = _Parsers()


def load(body: bytes) -> object:
    """Read JSON; raises `Malformed` for what is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        what = str(error) if body else "it is empty"
        raise Malformed(f"the body is not JSON: {what}") from None


def load_tensors(body: bytes, numeric: frozenset[str]) -> object:
    """Read a V2 body; the data of the columns in `numeric` may come as arrays of float64."""
    if len(body) < _LONG:
        return load(body)
    try:
        document = _PARSERS.parser.parse(body)
        return _object(document, numeric) if isinstance(document, simdjson.Object) else load(body)
    except (ValueError, RuntimeError):
        return load(body)  # which has the last word on what is JSON, and the message


def _object(document: simdjson.Object, numeric: frozenset[str]) -> dict[str, Any]:
    fields = _fields(document)
    inputs = fields.get("inputs")
    plain = {key: _plain(value) for key, value in fields.items() if key != "inputs"}
    if isinstance(inputs, simdjson.Array):
        return {**plain, "inputs": [_tensor(tensor, numeric) for tensor in inputs]}
    return {**plain, "inputs": _plain(inputs)}


def _tensor(tensor: Any, numeric: frozenset[str]) -> Any:
    if not isinstance(tensor, simdjson.Object):
        return _plain(tensor)
    fields = _fields(tensor)
    plain = {key: _plain(value) for key, value in fields.items() if key != "data"}
    name = plain.get("name")
    is_number = isinstance(name, str) and name in numeric
    return {**plain, "data": _data(fields.get("data"), is_number)}


def _fields(document: simdjson.Object) -> dict[str, Any]:
    """The fields with their values unread: `items()` would make Python objects of all of them."""
    keys = list(document)
    if len(set(keys)) < len(keys):
        raise ValueError("a key is there twice")
    return {key: document[key] for key in keys}


def _data(data: Any, numeric: bool) -> Any:
    if numeric and isinstance(data, simdjson.Array):
        try:
            return np.frombuffer(data.as_buffer(of_type="d"))
        except TypeError:  # not numbers only: a null, perhaps
            return data.as_list()
    return _plain(data)


def _plain(value: Any) -> Any:
    if isinstance(value, simdjson.Object):
        return value.as_dict()
    return value.as_list() if isinstance(value, simdjson.Array) else value
