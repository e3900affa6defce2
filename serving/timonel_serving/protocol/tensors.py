"""Tensors of the V2 protocol in memory: types, shapes, and the binary form."""

import struct
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from timonel_serving.problems import Malformed

DTYPES: dict[str, type[Any]] = {
    "BOOL": np.bool_,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}

Values = Sequence[Any]
"""The elements of a tensor in row-major order: a list, or a one-dimensional array."""


def decode(name: str, datatype: str, raw: bytes | memoryview) -> Values:
    """Read the binary form: little-endian numbers, or strings each after its 4-byte length."""
    if datatype == "BYTES":
        return _decode_strings(name, raw)
    dtype = np.dtype(DTYPES[datatype]).newbyteorder("<")
    if len(raw) % dtype.itemsize:
        raise Malformed(f"input {name}: {len(raw)} bytes are no whole number of {datatype} values")
    return cast(Values, np.frombuffer(raw, dtype=dtype))


def _decode_strings(name: str, raw: bytes | memoryview) -> list[str]:
    strings, at, end = [], 0, len(raw)
    while at < end:
        if at + 4 > end:
            raise Malformed(f"input {name}: its strings end within a length")
        (length,) = struct.unpack_from("<I", raw, at)
        at += 4
        if at + length > end:
            raise Malformed(f"input {name}: a string of {length} bytes exceeds the data")
        strings.append(bytes(raw[at : at + length]).decode("utf-8", errors="replace"))
        at += length
    return strings


def encode(values: NDArray[Any]) -> bytes:
    """The binary form of an output tensor."""
    if values.dtype != np.object_:
        return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    parts = []
    for value in values.ravel().tolist():
        text = str(value).encode()
        parts += [struct.pack("<I", len(text)), text]
    return b"".join(parts)


def columns_of(name: str, shape: Sequence[int], values: Values) -> list[Values]:
    """The columns of a tensor [n], [n, 1] or [n, k]; refuses data that do not fill the shape."""
    if not _is_shape(shape):
        raise Malformed(
            f"input {name} has the shape {_short(shape)}: expected [rows] or [rows, columns]"
        )
    width = shape[1] if len(shape) == 2 else 1
    if len(values) != shape[0] * width:
        raise Malformed(
            f"input {name} has {len(values)} values, its shape {list(shape)} asks for"
            f" {shape[0] * width}"
        )
    return [values] if width == 1 else [values[j::width] for j in range(width)]


def flatten(name: str, data: object) -> Values:
    """The `data` of a JSON tensor, which may be nested by row, as one flat list."""
    if isinstance(data, np.ndarray):
        return cast(Values, data)
    if not isinstance(data, list):
        raise Malformed(f'input {name} has no "data": expected a list')
    if data and isinstance(data[0], list):
        if not all(isinstance(row, list) for row in data):
            raise Malformed(f"input {name} mixes rows and values")
        return [value for row in data for value in row]
    return data


def _is_shape(shape: object) -> bool:
    return (
        isinstance(shape, list | tuple)
        and 1 <= len(shape) <= 2
        and all(type(side) is int and side >= 0 for side in shape)
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
