"""Enforces a data contract: on each request row by row, on a table as a whole."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.contract.features import MISSING, FeatureBatch, FeatureReader
from timonel.contract.infer import kind_of
from timonel.contract.model import ColumnContract, DataContract
from timonel.errors import BadInput


class Rule(StrEnum):
    """What a violation breaks."""

    MISSING_COLUMN = "missing column"
    TYPE = "type"
    NULL = "missing value"
    RANGE = "out of range"
    NOT_FINITE = "not finite"
    CATEGORY = "unseen category"
    UNIQUE = "not unique"
    ORDER = "out of order"


@dataclass(frozen=True)
class Violation:
    """How one column breaks one rule."""

    column: str
    rule: Rule
    expected: str
    got: str
    rows: int = 0
    """How many rows break it; 0 where the rule is about the column as a whole."""
    first_row: int = 0
    """Index of the first such row."""

    def __str__(self) -> str:
        where = f", row {self.first_row}" if self.rows else ""
        more = f" ({self.rows:,} rows)" if self.rows > 1 else ""
        return (
            f"column {self.column}{where}: {self.rule}: {self.got}, expected {self.expected}{more}"
        )


@dataclass(frozen=True)
class Breach:
    """A violation with the rows of the batch that commit it."""

    violation: Violation
    rows: NDArray[np.bool_]


class Enforcer:
    """Checks feature batches against one contract, in a few vector operations when all is well."""

    def __init__(self, contract: DataContract) -> None:
        self.contract = contract
        limits = [_limits(c) for c in contract.numeric]
        self._low = np.array([low for low, _ in limits], dtype=np.float32)
        self._high = np.array([high for _, high in limits], dtype=np.float32)
        self._nullable = np.array([c.nullable for c in contract.numeric], dtype=bool)
        self._allowed = [_allowed(c) for c in contract.categorical]

    def check(self, batch: FeatureBatch) -> list[Violation]:
        """The violations of a batch, by column in the order of the contract; empty when it holds."""
        return [breach.violation for breach in self.breaches(batch)]

    def breaches(self, batch: FeatureBatch) -> list[Breach]:
        """As `check`, each violation with its rows."""
        return self._check_numbers(batch.numeric) + self._check_words(batch)

    def _check_numbers(self, x: NDArray[np.float32]) -> list[Breach]:
        inside = (x >= self._low) & (x <= self._high)
        if inside.all():
            return []
        missing = np.isnan(x)
        bad = ~inside & ~(missing & self._nullable)
        found = []
        for j in np.flatnonzero(bad.any(axis=0)):
            found += _number_violations(x[:, j], bad[:, j], missing[:, j], self.contract.numeric[j])
        return found

    def _check_words(self, batch: FeatureBatch) -> list[Breach]:
        found = []
        for j, column in enumerate(self.contract.categorical):
            found += self._check_categories(batch.categorical[:, j], column, self._allowed[j])
        for j, column in enumerate(self.contract.text):
            if not column.nullable:
                found += _violation(
                    batch.text[:, j] == MISSING, column, Rule.NULL, "text", "nothing"
                )
        return found

    def _check_categories(
        self, values: NDArray[np.object_], column: ColumnContract, allowed: frozenset[str] | None
    ) -> list[Breach]:
        if allowed is not None and allowed.issuperset(values):
            return []
        null = values == MISSING
        found = []
        if not column.nullable:
            found = _violation(null, column, Rule.NULL, "a category", "nothing")
        if allowed is None:
            return found
        unseen = (
            np.fromiter((v not in allowed for v in values), dtype=bool, count=len(values)) & ~null
        )
        if unseen.any():
            got = repr(str(values[unseen.argmax()])[:60])
            found += _violation(
                unseen, column, Rule.CATEGORY, _listed(column.categories or ()), got
            )
        return found


def schema_drift(contract: DataContract, schema: pa.Schema) -> list[Violation]:
    """How a table's columns differ from the contract's, by column."""
    found = []
    for column in contract.features:
        if column.name not in schema.names:
            found.append(Violation(column.name, Rule.MISSING_COLUMN, column.kind, "no such column"))
        elif not _type_fits(column, schema.field(column.name).type):
            got = str(schema.field(column.name).type)
            found.append(Violation(column.name, Rule.TYPE, column.kind, got))
    return found


def unexpected_columns(contract: DataContract, schema: pa.Schema) -> list[str]:
    """The columns of a table that the contract does not name: of interest, but no violation."""
    named = {c.name for c in contract.features}
    named |= {n for n in (contract.target, contract.time, contract.key, contract.entity) if n}
    return [name for name in schema.names if name not in named]


def check_table(contract: DataContract, table: pa.Table) -> list[Violation]:
    """The violations of a whole training table: its columns, its values, its key and its time."""
    drift = schema_drift(contract, table.schema)
    if drift:
        return drift
    batch = FeatureReader(contract).from_table(table)
    return [
        *Enforcer(contract).check(batch),
        *_check_key(contract, table),
        *_check_time(contract, table),
    ]


def reject_broken(violations: list[Violation], what: str) -> None:
    """Raise a `BadInput` that lists the violations, if there are any."""
    if violations:
        lines = "\n".join(f"  {v}" for v in violations[:10])
        more = f"\n  ... and {len(violations) - 10} more" if len(violations) > 10 else ""
        raise BadInput(f"{what} breaks the data contract:\n{lines}{more}")


def _limits(column: ColumnContract) -> tuple[float, float]:
    if column.kind == "boolean":
        return 0.0, 1.0
    finite = np.finfo(np.float32)
    low = finite.min if column.minimum is None else column.minimum
    high = finite.max if column.maximum is None else column.maximum
    return float(max(low, finite.min)), float(min(high, finite.max))


def _allowed(column: ColumnContract) -> frozenset[str] | None:
    if column.categories is None:
        return None
    return frozenset(column.categories) | ({MISSING} if column.nullable else set())


def _number_violations(
    x: NDArray[np.float32],
    bad: NDArray[np.bool_],
    missing: NDArray[np.bool_],
    column: ColumnContract,
) -> list[Breach]:
    low, high = _limits(column)
    expected = f"{low:g} to {high:g}"
    infinite = np.isinf(x)
    outside = bad & ~missing & ~infinite
    got = f"{x[outside.argmax()]:g}"
    return [
        *_violation(bad & missing, column, Rule.NULL, "a number", "nothing"),
        *_violation(infinite, column, Rule.NOT_FINITE, expected, "infinity"),
        *_violation(outside, column, Rule.RANGE, expected, got),
    ]


def _violation(
    rows: NDArray[np.bool_], column: ColumnContract, rule: Rule, expected: str, got: str
) -> list[Breach]:
    count = int(rows.sum())
    if not count:
        return []
    return [Breach(Violation(column.name, rule, expected, got, count, int(rows.argmax())), rows)]


def _listed(categories: tuple[str, ...]) -> str:
    return "one of " + ", ".join(categories[:8]) + (", ..." if len(categories) > 8 else "")


def _type_fits(column: ColumnContract, dtype: pa.DataType) -> bool:
    got = kind_of(column.name, dtype)
    if column.kind in ("numeric", "boolean"):
        return got in ("numeric", "boolean")
    # codes may be stored as numbers; text may not
    return got == "categorical" or (column.kind == "categorical" and got != "timestamp")


def _check_key(contract: DataContract, table: pa.Table) -> list[Violation]:
    key = contract.key
    if key is None or key not in table.column_names:
        return []
    distinct = pc.count_distinct(table[key], mode="all").as_py()
    if distinct == table.num_rows:
        return []
    counts = pc.value_counts(table[key])
    twice = counts.filter(pc.greater(counts.field("counts"), 1))[0].as_py()
    got = f"{twice['values']!r} {twice['counts']} times"
    first = pc.index(table[key], pa.scalar(twice["values"], table[key].type)).as_py()
    return [Violation(key, Rule.UNIQUE, "each value once", got, table.num_rows - distinct, first)]


def _check_time(contract: DataContract, table: pa.Table) -> list[Violation]:
    name = contract.time
    if name is None or name not in table.column_names:
        return []
    column = table[name].combine_chunks()
    if column.null_count:
        first = pc.index(column.is_null(), True).as_py()
        return [Violation(name, Rule.NULL, "a time", "nothing", column.null_count, first)]
    if not contract.time_monotone or len(column) < 2:
        return []
    back = pc.greater(column[:-1], column[1:])
    first = pc.index(back, True).as_py()
    if first < 0:
        return []
    got = f"{column[first + 1].as_py()} after {column[first].as_py()}"
    count = int(pc.sum(back).as_py())
    return [Violation(name, Rule.ORDER, "times that do not go back", got, count, first + 1)]
