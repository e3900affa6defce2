"""Holds the rows that were read to the data contract of the reference."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.contract import MISSING, DataContract, Enforcer, FeatureBatch, Rule
from timonel.frames import is_number
from timonel.reference.cells import numbers
from timonel_serving.detector.texts import texts

OTHER = "(other)"
"""Stands for all columns that the contract does not name."""
UNEXPECTED = "unexpected column"

Violations = Counter[tuple[str, str]]
"""Rows by column and by what they break: as many series as the contract allows for."""


class ContractCheck:
    """Checks batches, in a few vector operations a column."""

    def __init__(self, contract: DataContract) -> None:
        self._contract, self._enforcer = contract, Enforcer(contract)
        self._words = (*contract.categorical, *contract.text)
        self._known = frozenset(c.name for c in contract.features)

    def check(
        self, features: Mapping[str, pa.Array], rows: int
    ) -> tuple[NDArray[np.int32], Violations]:
        """How many violations each row has, and how many rows break what.

        A column that is not there is missing in each row; a row that has a column which the contract
        does not name has one violation for each.
        """
        counts, each = Counter[tuple[str, str]](), np.zeros(rows, dtype=np.int32)
        numeric, wrong = self._numbers(features, rows)
        for breach in self._enforcer.breaches(self._batch(features, numeric, rows)):
            _count(counts, each, breach.violation.column, breach.violation.rule, breach.rows)
        for name, where in wrong.items():
            # what is no number was read as infinite: it is of the wrong type, not out of range
            counts[name, Rule.NOT_FINITE.value] -= int(where.sum())
            counts[name, Rule.TYPE.value] += int(where.sum())
        for name in features.keys() - self._known:
            present = features[name].is_valid().to_numpy(zero_copy_only=False)
            _count(counts, each, OTHER, UNEXPECTED, present)
        return each, +counts

    def _numbers(
        self, features: Mapping[str, pa.Array], rows: int
    ) -> tuple[NDArray[np.float32], dict[str, NDArray[np.bool_]]]:
        found = np.full((rows, len(self._contract.numeric)), np.nan, dtype=np.float32)
        wrong = {}
        for j, column in enumerate(self._contract.numeric):
            if column.name not in features:
                continue
            values = numbers(features[column.name])
            kind = features[column.name].type
            if not is_number(kind) and not pa.types.is_boolean(kind) and np.isinf(values).any():
                wrong[column.name] = np.isinf(values)
            with np.errstate(over="ignore"):
                found[:, j] = values
        return found, wrong

    def _batch(
        self, features: Mapping[str, pa.Array], numeric: NDArray[np.float32], rows: int
    ) -> FeatureBatch:
        words = np.full((rows, len(self._words)), MISSING, dtype=object)
        for j, column in enumerate(self._words):
            if column.name in features:
                words[:, j] = pc.fill_null(texts(features[column.name]), MISSING).to_numpy(
                    zero_copy_only=False
                )
        split = len(self._contract.categorical)
        return FeatureBatch(numeric, words[:, :split], words[:, split:])


def _count(
    counts: Violations,
    each: NDArray[np.int32],
    column: str,
    rule: str,
    where: NDArray[np.bool_],
) -> None:
    counts[column, str(rule)] += int(where.sum())
    each += where
