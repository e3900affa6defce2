"""Rows as an Arrow IPC stream by the names that every monitor knows, with privacy applied."""

from collections.abc import Sequence

import pyarrow as pa

from timonel.frames import is_number
from timonel.monitor.config import Role
from timonel.reference.cells import numbers
from timonel_serving.detector.batch import ROLES, Read
from timonel_serving.detector.delivery.piece import Piece
from timonel_serving.detector.privacy import Privacy
from timonel_serving.detector.texts import texts

_MOST_COLUMNS = 1000
_ROLES: tuple[Role, ...] = tuple(role for role in ROLES if role != "features")


def row_stream(piece: Piece, privacy: Privacy) -> bytes:
    """The rows; a column that holds values of several types is sent as text."""
    sizes = [part.rows for part in piece.parts]
    columns = {role: _whole([p.role(role) for p in piece.parts], sizes) for role in _ROLES}
    parts = [_stored(part, privacy) for part in piece.parts]
    names = list(dict.fromkeys(name for part in parts for name in part))[:_MOST_COLUMNS]
    if names:
        features = [_whole([part.get(name) for part in parts], sizes) for name in names]
        columns["features"] = pa.StructArray.from_arrays(features, names)
    table = pa.table({name: column for name, column in columns.items() if not _empty(column)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _stored(part: Read, privacy: Privacy) -> dict[str, pa.Array]:
    found = {name: privacy.apply(name, values) for name, values in part.features().items()}
    return {name: values for name, values in found.items() if values is not None}


def _whole(arrays: Sequence[pa.Array | None], sizes: Sequence[int]) -> pa.Array:
    """Parts of a column one after the other; null where one lacks it."""
    kinds = {a.type for a in arrays if a is not None and not pa.types.is_null(a.type)}
    if len(kinds) > 1 and all(is_number(k) or pa.types.is_boolean(k) for k in kinds):
        arrays = [None if a is None else pa.array(numbers(a), from_pandas=True) for a in arrays]
        kinds = {pa.float64()}
    elif len(kinds) > 1:
        arrays, kinds = [None if a is None else texts(a) for a in arrays], {pa.string()}
    kind = kinds.pop() if kinds else pa.null()
    filled = [
        pa.nulls(n, kind) if a is None or pa.types.is_null(a.type) else a
        for a, n in zip(arrays, sizes, strict=True)
    ]
    return pa.concat_arrays(filled)


def _empty(column: pa.Array) -> bool:
    return bool(pa.types.is_null(column.type))
