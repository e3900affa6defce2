"""Requests for ranked items: users, and for each perhaps a length and items to leave out.

V1: `{"instances": ["ann", {"user": "bob", "k": 5, "exclude": ["item"]}]}`, where `user` stands for the
name of the user column. V2: a tensor of users, and if wanted `k` (one for all or one each) and `exclude`
[users, items], rows filled up with empty texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.contract import DataContract, FeatureBatch, FeatureReader
from timonel.errors import BadInput
from timonel_serving.problems import Malformed
from timonel_serving.protocol import v1, v2
from timonel_serving.protocol.tensors import Values, columns_of

K, EXCLUDE = "k", "exclude"


@dataclass(frozen=True)
class RankingRequest:
    """Users who want lists."""

    batch: FeatureBatch
    """Its one column has the users."""
    k: NDArray[np.int64]
    """(users,) the length of each list."""
    exclude: Sequence[Sequence[str]]
    """For each user the items to leave out; empty where nobody leaves out any."""

    def __len__(self) -> int:
        return len(self.batch)


class RankingReader:
    """Reads requests under one contract."""

    def __init__(self, contract: DataContract) -> None:
        assert contract.ranking is not None
        (self.user,) = contract.model_order
        self.default_k, self._max_k = contract.ranking.k, contract.ranking.max_k
        self._reader = FeatureReader(contract)

    def read_v1(self, payload: object) -> RankingRequest:
        """Read a body whose rows are users, or objects with a user, `k` and `exclude`."""
        rows = [self._object(row) for row in v1.rows(payload)]
        users = [{n: v for n, v in row.items() if n not in (K, EXCLUDE)} for row in rows]
        k = [self._length(row.get(K, self.default_k), i) for i, row in enumerate(rows)]
        exclude = [_texts(row.get(EXCLUDE, ()), i) for i, row in enumerate(rows)]
        return self._request(self._reader.from_dicts(users), k, exclude)

    def read_v2(self, inputs: Sequence[Any], blob: memoryview) -> RankingRequest:
        """Read tensors; a lone one holds the users, whatever its name."""
        given: dict[str, list[Values]] = {}
        for tensor in inputs:
            name, shape, values, blob = v2.read_tensor(tensor, blob)
            if name in given:
                raise Malformed(f"the input {name} is there twice")
            given[name] = columns_of(name, shape, values)
        if len(blob):
            raise Malformed(f"{len(blob)} bytes after the last binary tensor belong to no input")
        if len(given) == 1 and self.user not in given:
            given = {self.user: next(iter(given.values()))}
        return self._of_tensors(given)

    def _of_tensors(self, given: dict[str, list[Values]]) -> RankingRequest:
        unknown = given.keys() - {self.user, K, EXCLUDE}
        if unknown or len(given.get(self.user, ())) != 1:
            what = f"unknown input {min(unknown)}" if unknown else f"no vector {self.user} of users"
            raise BadInput(what, fix=f"the model's inputs are {self.user}, {K} and {EXCLUDE}")
        batch = self._reader.from_columns({self.user: given[self.user][0]})
        n = len(batch)
        lengths = given.get(K, [[self.default_k]])[0]
        lengths = list(lengths) * n if len(lengths) == 1 else list(lengths)
        if len(lengths) != n:
            raise BadInput(
                f"{K} has {len(lengths)} values: expected one, or one for each of {n} users"
            )
        columns = given.get(EXCLUDE, [])
        if columns and len(columns[0]) != n:
            raise BadInput(
                f"{EXCLUDE} has {len(columns[0])} rows: expected one for each of {n} users"
            )
        exclude = [_texts([c[i] for c in columns], i) for i in range(n)] if columns else []
        return self._request(batch, [self._length(k, i) for i, k in enumerate(lengths)], exclude)

    def _object(self, row: Any) -> dict[str, Any]:
        if isinstance(row, list) and len(row) == 1:
            row = row[0]
        return row if isinstance(row, dict) else {self.user: row}

    def _length(self, value: Any, row: int) -> int:
        if isinstance(value, float | np.floating) and float(value).is_integer():
            value = int(value)  # a long body's numbers are all read as floats
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not 1 <= value <= self._max_k:
            raise BadInput(
                f"row {row}: {K} is {repr(value)[:40]}: expected a whole number from 1 to {self._max_k}"
            )
        return int(value)

    def _request(
        self, batch: FeatureBatch, k: list[int], exclude: list[list[str]]
    ) -> RankingRequest:
        return RankingRequest(batch, np.array(k, dtype=np.int64), exclude if any(exclude) else ())


def _texts(values: Any, row: int) -> list[str]:
    if not isinstance(values, list | tuple):
        raise BadInput(f"row {row}: {EXCLUDE} is {repr(values)[:40]}: expected a list of items")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, str | int | np.integer):
            raise BadInput(
                f"row {row}: {EXCLUDE} holds {repr(value)[:40]}: expected the name of an item"
            )
    return [str(value) for value in values if value != ""]
