"""Bodies of requests and responses, V1 and V2, as columns; lenient where the predictor is strict.

The model has answered already: what it took is evidence, also where it breaks the contract.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from timonel.errors import BadInput
from timonel_serving.detector.half import Half
from timonel_serving.problems import Malformed
from timonel_serving.protocol import v1, v2
from timonel_serving.protocol.loading import load
from timonel_serving.protocol.tensors import Values

_MOST_COLUMNS = 2000
_DECODER = json.JSONDecoder()
_NOTHING = memoryview(b"")


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of equal length by name."""

    values: Mapping[str, Values]
    rows: int


def document_of(half: Half) -> tuple[object, memoryview]:
    """The JSON of a half, and the binary tensors behind it; raises `Malformed` for what is none."""
    if half.document is not None:
        return half.document, _NOTHING
    body = half.body
    at = half.json_length
    if at is None:
        if body.endswith((b"}", b"\n", b" ")):
            try:
                return load(body), _NOTHING
            except Malformed:
                pass  # binary data may end so, too
        at = _json_end(body)
    if at > len(body):
        raise Malformed(f"the JSON part has {at} bytes, the body {len(body)}")
    return load(body[:at]), memoryview(body)[at:]


def _json_end(body: bytes) -> int:
    """Where the JSON ends: KServe's agent does not pass on the header that says so."""
    try:
        return _DECODER.raw_decode(body.decode("latin-1"))[1]
    except (ValueError, RecursionError):
        raise Malformed("the body is not JSON") from None


def is_v2(document: object, key: str) -> bool:
    """Whether the list under a key holds tensors."""
    found = document.get(key) if isinstance(document, dict) else None
    return (
        isinstance(found, list)
        and bool(found)
        and isinstance(found[0], dict)
        and "datatype" in found[0]
    )


def tensor_columns(tensors: Sequence[Any], blob: memoryview) -> Columns:
    """A column a tensor: the values of a vector, the lists of a matrix."""
    values = _plain(tensors)
    if values is None:
        values = {}
        for tensor in tensors:
            name, shape, flat, blob = v2.read_tensor(tensor, blob)
            if name in values:
                raise Malformed(f"the tensor {name} is there twice")
            values[name] = _shaped(name, shape, flat)
    return checked(values)


def _plain(tensors: Sequence[Any]) -> dict[str, Values] | None:
    """Vectors in JSON, as most are; read at once, which takes a third of the time."""
    try:
        found = {t["name"]: t["data"] for t in tensors}
        shapes = [t["shape"] for t in tensors]
        (n,) = shapes[0]
        plain = (
            shapes.count([n]) == len(found) == len(tensors)
            and {*map(type, found)} == {str}
            and {*map(type, found.values())} == {list}
            and {*map(len, found.values())} == {n}
            and not (n and any(type(values[0]) in (list, dict) for values in found.values()))
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
    return found if plain else None


def _shaped(name: str, shape: Sequence[Any], flat: Values) -> Values:
    whole = all(type(side) is int and side >= 0 for side in shape)
    if not whole or not 1 <= len(shape) <= 2:
        raise Malformed(f"tensor {name} has the shape {str(shape)[:40]}: expected one or two sides")
    width = shape[1] if len(shape) == 2 else 1
    if not width:
        raise Malformed(f"tensor {name} has rows without values")
    if len(flat) != shape[0] * width:
        raise Malformed(f"tensor {name} has {len(flat)} values, its shape is {shape}")
    values = flat if isinstance(flat, list) else flat.tolist()  # type: ignore[attr-defined]
    if width == 1:
        return values
    return [values[i * width : (i + 1) * width] for i in range(shape[0])]


def row_columns(rows: Sequence[Any], names: Sequence[str], alone: str) -> Columns:
    """The columns of V1 rows: objects by name, lists by place, bare values as one column `alone`."""
    first = rows[0]
    if isinstance(first, dict):
        if not all(isinstance(row, dict) for row in rows):
            raise Malformed("objects and other rows are mixed")
        found = dict.fromkeys(name for row in rows for name in row)
        return checked({name: [row.get(name) for row in rows] for name in found})
    if isinstance(first, list):
        return placed(rows, names, alone)
    return checked({alone: list(rows)})


def placed(rows: Sequence[Any], names: Sequence[str], alone: str) -> Columns:
    """The columns of rows that are lists: by the names where there are as many, else numbered."""
    width = len(rows[0])
    if not all(isinstance(row, list) and len(row) == width for row in rows):
        raise Malformed("rows differ in length")
    if len(names) != width:
        names = [f"{alone}_{i}" for i in range(width)]
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return checked({name: list(column) for name, column in columns})


def checked(values: Mapping[str, Values]) -> Columns:
    """Columns, if they are of one length and not absurdly many."""
    lengths = {len(column) for column in values.values()}
    if len(lengths) != 1 or len(values) > _MOST_COLUMNS:
        raise Malformed(f"{len(values)} columns of {len(lengths)} lengths")
    return Columns(values, lengths.pop())


def request_columns(half: Half, names: Sequence[str]) -> Columns:
    """The features of a request; `names` are those of the model in order, where known.

    Raises `BadInput` for a body that is neither V1 nor V2.
    """
    document, blob = document_of(half)
    alone = names[0] if len(names) == 1 else "feature"
    if not is_v2(document, "inputs"):
        return row_columns(v1.rows(document), names, alone)
    assert isinstance(document, dict)
    tensors = tensor_columns(document["inputs"], blob)
    if len(tensors.values) == 1:
        ((name, values),) = tensors.values.items()
        if tensors.rows and isinstance(values[0], list):
            return placed(values, names, name)
    return tensors


def response_columns(half: Half) -> tuple[Columns, str]:
    """The outputs of a response, and the version that it names ("" for none); raises `BadInput`."""
    document, blob = document_of(half)
    if not isinstance(document, dict):
        raise Malformed("the response is no JSON object")
    said = document.get("model_version")
    version = said if isinstance(said, str) else ""
    if is_v2(document, "outputs"):
        return tensor_columns(document["outputs"], blob), version
    return _v1_outputs(document), version


def _v1_outputs(document: Mapping[str, Any]) -> Columns:
    predictions = document.get("predictions")
    if not isinstance(predictions, list) or not predictions:
        raise BadInput('the response has no "predictions"')
    if isinstance(predictions[0], dict):
        return row_columns(predictions, (), "prediction")
    scores = document.get("scores")
    found: dict[str, Values] = {"prediction": predictions}
    if isinstance(scores, list) and len(scores) == len(predictions):
        found["score"] = scores
    return checked(found)
