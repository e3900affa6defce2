"""The ledger's columns of features: few, of one type each, whatever the requests bring.

One odd value must not cost the rows beside it, nor one client fill the table with columns.
"""

import logging
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from timonel.contract import DataContract
from timonel.frames import is_number
from timonel.ledger.schema import JOINED, PARTITION, SCHEMAS, TableName
from timonel.reference.cells import numbers
from timonel_serving.detector.texts import texts

_log = logging.getLogger("timonel.serving")

_MOST_COLUMNS = 1000
_LONGEST_NAME = 128
_OWN = frozenset(n.lower() for n in (*SCHEMAS[TableName.PREDICTIONS].names, *JOINED, PARTITION))


class FeatureColumns:
    """The type of each column: the contract's, else that of the first values that came."""

    def __init__(self, contract: DataContract | None) -> None:
        self._closed = contract is not None
        self._types: dict[str, pa.DataType] = {}
        self._taken: dict[str, str] = {}
        self._left: set[str] = set()
        for column in () if contract is None else contract.features:
            numeric = column.kind in ("numeric", "boolean")
            self._admit(column.name, pa.float64() if numeric else pa.string())

    def know(self, schema: pa.Schema) -> None:
        """Take on the columns that the table has."""
        for field in schema:
            if field.name in self._types or not self._closed:
                self._admit(field.name, field.type)

    def fit(self, features: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """The features by their types; what cannot be read so is null."""
        for name, column in () if self._closed else features.items():
            if name not in self._types and column.null_count < len(column):
                self._admit(name, _type_of(column.type))
        kept = [name for name in features if name in self._types]
        return {name: _read(features[name], self._types[name]) for name in kept}

    def _admit(self, name: str, kind: pa.DataType) -> None:
        full = len(self._types) >= _MOST_COLUMNS and name not in self._types
        unfit = not name or len(name) > _LONGEST_NAME or name.lower() in _OWN
        if full or unfit or self._taken.setdefault(name.lower(), name) != name:
            self._leave(name)
        else:
            self._types[name] = kind

    def _leave(self, name: str) -> None:
        """Keep a column out, and say so once."""
        if name.lower() not in _OWN and len(self._left) < _MOST_COLUMNS and name not in self._left:
            self._left.add(name)
            _log.warning(
                "the column %.60r is not kept in the ledger: its name is taken, empty or too long,"
                " or there are %d columns already",
                name,
                _MOST_COLUMNS,
            )


def _type_of(kind: pa.DataType) -> pa.DataType:
    return pa.float64() if is_number(kind) or pa.types.is_boolean(kind) else pa.string()


def _read(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return texts(column)
    values = numbers(column)
    if pa.types.is_floating(kind):
        return pa.array(np.where(np.isfinite(values), values, np.nan), kind, from_pandas=True)
    if pa.types.is_boolean(kind):
        return pa.array(values > 0, kind, mask=~np.isfinite(values))
    return pa.nulls(len(column), kind)  # a time: no event brings one
