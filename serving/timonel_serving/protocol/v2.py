"""Requests of the Open Inference Protocol V2: one tensor a column, or one matrix of all columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from timonel.contract import FeatureBatch, FeatureReader
from timonel.errors import BadInput
from timonel_serving.problems import Malformed
from timonel_serving.protocol.tensors import DTYPES, Values, columns_of, decode, flatten

_EXAMPLE = (
    'send {"inputs": [{"name": column, "shape": [rows], "datatype": "FP32", "data": [...]}, ...]}'
)
_NOTHING = memoryview(b"")


@dataclass(frozen=True)
class Query:
    """A request, read."""

    inputs: Sequence[Any]
    id: str | None
    wanted: tuple[tuple[str, bool], ...]
    """The outputs to send, each with whether as binary."""


def read_query(payload: object, outputs: Sequence[str]) -> Query:
    """Check the envelope of a JSON request to a model with these outputs."""
    if not isinstance(payload, dict):
        raise Malformed("the body is not a JSON object", fix=_EXAMPLE)
    inputs = payload.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise Malformed('the body has no "inputs": expected a list of tensors', fix=_EXAMPLE)
    identity = payload.get("id")
    return Query(inputs, identity if isinstance(identity, str) else None, _wanted(payload, outputs))


def read_inputs(
    inputs: Sequence[Any], reader: FeatureReader, blob: memoryview = _NOTHING
) -> FeatureBatch:
    """Read the tensors of a request; `blob` holds the data of those in binary form, in order."""
    vectors = _plain_vectors(inputs, reader.known)
    if vectors is not None:
        return reader.from_columns(vectors)
    columns: dict[str, Values] = {}
    for tensor in inputs:
        name, shape, values, blob = read_tensor(tensor, blob)
        found = columns_of(name, shape, values)
        if len(found) == 1 and (name in reader.known or len(inputs) > 1):
            if name in columns:
                raise Malformed(f"the input {name} is there twice")
            columns[name] = found[0]
        else:
            return _read_matrix(name, found, inputs, reader)
    if len(blob):
        raise Malformed(f"{len(blob)} bytes after the last binary tensor belong to no input")
    return reader.from_columns(columns)


def _plain_vectors(inputs: Sequence[Any], known: frozenset[str]) -> dict[str, Sequence[Any]] | None:
    """The columns of a request that has a JSON vector for each, as most have; else None.

    It looks at all tensors at once: one by one takes several times as long.
    """
    try:
        columns = {tensor["name"]: tensor["data"] for tensor in inputs}
        shapes = [tensor["shape"] for tensor in inputs]
        datatypes = {tensor["datatype"] for tensor in inputs}
        (n,) = shapes[0]
        lengths = set(map(len, columns.values()))
    except (TypeError, KeyError, ValueError):
        return None
    data = columns.values()
    plain = (
        len(columns) == len(inputs)
        and columns.keys() <= known
        and datatypes <= DTYPES.keys()
        and shapes.count([n]) == len(shapes)
        and lengths == {n}
        and {*map(type, data)} <= {list, np.ndarray}
        and not (n and list in {type(values[0]) for values in data})
    )
    return columns if plain else None


def read_tensor(tensor: Any, blob: memoryview) -> tuple[str, Sequence[int], Values, memoryview]:
    """The name, shape and flat values of a tensor, and what is left of the binary data."""
    try:
        name, shape, datatype = tensor["name"], tensor["shape"], tensor["datatype"]
    except (TypeError, KeyError):
        raise Malformed("an input lacks its name, shape or datatype", fix=_EXAMPLE) from None
    readable = type(name) is str and type(datatype) is str and type(shape) is list
    if not readable or datatype not in DTYPES:
        raise Malformed(
            f"input {str(name)[:40]!r} has the datatype {str(datatype)[:40]!r} and the shape"
            f" {str(shape)[:40]}: expected one of {', '.join(DTYPES)} and a list"
        )
    data = tensor.get("data")
    if type(data) is list and not (data and type(data[0]) is list):
        return name, shape, data, blob
    if data is not None:
        return name, shape, flatten(name, data), blob
    size = _binary_size(name, tensor.get("parameters"), len(blob))
    return name, shape, decode(name, datatype, blob[:size]), blob[size:]


def _binary_size(name: str, parameters: object, available: int) -> int:
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if type(size) is not int or size < 0:
        raise Malformed(f'input {name} has neither "data" nor a binary_data_size', fix=_EXAMPLE)
    if size > available:
        raise Malformed(f"input {name} announces {size} bytes of data, {available} are left")
    return size


def _read_matrix(
    name: str, found: list[Values], inputs: Sequence[Any], reader: FeatureReader
) -> FeatureBatch:
    if len(inputs) != 1 or len(found) != len(reader.names):
        raise BadInput(
            f"input {name} has {len(found)} columns in {len(inputs)} tensors: expected one tensor"
            f" a column, or a single one with all {len(reader.names)} columns",
            fix=f"the model's columns are {', '.join(reader.names[:12])}",
        )
    return reader.from_columns(dict(zip(reader.names, found, strict=True)))


def _wanted(payload: dict[str, Any], known: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    parameters = payload.get("parameters")
    binary = isinstance(parameters, dict) and parameters.get("binary_data_output") is True
    outputs = payload.get("outputs")
    if not outputs:
        return tuple((name, binary) for name in known)
    if not isinstance(outputs, list):
        raise Malformed('"outputs" is not a list')
    return tuple(_wanted_output(output, binary, known) for output in outputs)


def _wanted_output(output: object, binary: bool, known: Sequence[str]) -> tuple[str, bool]:
    name = output.get("name") if isinstance(output, dict) else None
    if not isinstance(output, dict) or not isinstance(name, str) or name not in known:
        raise Malformed(f"there is no output {str(name)[:40]!r}: expected {' or '.join(known)}")
    parameters = output.get("parameters")
    if isinstance(parameters, dict) and isinstance(parameters.get("binary_data"), bool):
        binary = parameters["binary_data"]
    return name, binary
