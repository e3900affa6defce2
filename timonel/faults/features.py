"""Incidents in the data: the features are wrong, and a model that reads them scores them so."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel.diagnosis.cause import Cause
from timonel.errors import BadInput
from timonel.faults.columns import (
    converted,
    is_numeric,
    is_text,
    numbers,
    pick,
    place,
    plain,
    present,
)
from timonel.faults.grades import BY_SEVERITY, Grades, share
from timonel.faults.incident import Incident
from timonel.faults.layout import BoolArray, FloatArray, IntArray, Model
from timonel.faults.scoring import rescored, score_columns
from timonel.faults.truth import Change
from timonel.faults.window import Window


@dataclass(frozen=True, kw_only=True)
class FeatureIncident(Incident):
    """An incident in feature columns. With `model`, scores and predictions follow the wrong features.

    Without `model` the scores stay as they were: the log is wrong, what was served is not.
    """

    cause: ClassVar[Cause] = Cause.DATA_QUALITY
    model: Model | None = None

    def needs(self) -> tuple[str, ...]:
        """Its columns, and the score where it has to be computed again."""
        return (*super().needs(), *((self.role("score"),) if self.model else ()))

    def _inject(self, table: pa.Table, window: Window, rng: np.random.Generator) -> Change:
        changed, rows = self._alter(table, window, rng)
        if self.model is None:
            return Change(changed, rows, self.columns)
        scores = score_columns(table, self.layout)
        changed = rescored(changed, rows, self.model, self.layout)
        return Change(changed, rows, (*self.columns, *scores))

    @abstractmethod
    def _alter(
        self, table: pa.Table, window: Window, rng: np.random.Generator
    ) -> tuple[pa.Table, BoolArray]:
        """The table with wrong features, and the rows that are wrong."""


@dataclass(frozen=True, kw_only=True)
class UnitChange(FeatureIncident):
    """A producer sends another unit: the columns' values are multiplied by a factor."""

    name: ClassVar[str] = "unit_change"
    takes: ClassVar[str] = "numeric columns"
    factor: Annotated[
        float,
        Grades(
            1.609344, 100.0, 1000.0, "values are multiplied by this (miles, cents, millimetres)"
        ),
    ] = BY_SEVERITY

    def _alter(
        self, table: pa.Table, window: Window, rng: np.random.Generator
    ) -> tuple[pa.Table, BoolArray]:
        acted = np.zeros(table.num_rows, dtype=np.bool_)
        for name in self.columns:
            rows = window.rows & present(table, name)
            table = place(table, name, rows, numbers(table, name) * self.factor)
            acted |= rows
        return table, acted

    def _what(self) -> str:
        return f"values of {_named(self.columns)} are multiplied by {self.factor:g}"


@dataclass(frozen=True, kw_only=True)
class NullBurst(FeatureIncident):
    """A source fails: a share of the rows has no value in the columns, all of them at once."""

    name: ClassVar[str] = "null_burst"
    takes: ClassVar[str] = "any columns"
    rate: Annotated[float, share(0.05, 0.3, 1.0, "share of the rows without a value")] = BY_SEVERITY

    def _alter(
        self, table: pa.Table, window: Window, rng: np.random.Generator
    ) -> tuple[pa.Table, BoolArray]:
        rows = pick(window.rows, self.rate, rng)
        for name in self.columns:
            nothing = pa.nulls(table.num_rows, plain(table[name]).type)
            table = place(table, name, rows, nothing)
        return table, rows

    def _what(self) -> str:
        return f"{_named(self.columns)} have no value in {self.rate:.0%} of the rows"


@dataclass(frozen=True, kw_only=True)
class StuckSensor(FeatureIncident):
    """A sensor repeats itself: an entity's value stays at its last one before the onset.

    Entities first seen after the onset stay at their first value. Without an entity column in the
    table there is one sensor for all rows, stuck at any severity.
    """

    name: ClassVar[str] = "stuck_sensor"
    takes: ClassVar[str] = "any columns"
    entities: Annotated[
        float, share(0.1, 0.4, 1.0, "share of the entities whose values are stuck")
    ] = BY_SEVERITY

    def _alter(
        self, table: pa.Table, window: Window, rng: np.random.Generator
    ) -> tuple[pa.Table, BoolArray]:
        entity = _entity_codes(table, self.layout.entity)
        seen = np.zeros(int(entity.max(initial=0)) + 1, dtype=np.bool_)
        seen[entity[window.rows]] = True
        stuck = pick(seen, self.entities, rng)
        rows = window.rows & stuck[entity]
        for name in self.columns:
            source = _last_known(entity, present(table, name), window)
            table = place(table, name, rows, plain(table[name]).take(pa.array(source)))
        return table, rows

    def _what(self) -> str:
        return (
            f"{_named(self.columns)} repeat the last value of {self.entities:.0%} of the entities"
        )


@dataclass(frozen=True, kw_only=True)
class CategoryRename(FeatureIncident):
    """A producer renames categories: values turn into ones that were never seen."""

    name: ClassVar[str] = "category_rename"
    takes: ClassVar[str] = "columns of strings"
    categories: Annotated[
        float,
        share(
            0.1, 0.5, 1.0, "share of the categories that are renamed, rarest first, at least one"
        ),
    ] = BY_SEVERITY
    suffix: str = "_new"
    """What a renamed category has behind its old name."""

    def _alter(
        self, table: pa.Table, window: Window, rng: np.random.Generator
    ) -> tuple[pa.Table, BoolArray]:
        acted = np.zeros(table.num_rows, dtype=np.bool_)
        for name in self.columns:
            column = self._strings(table, name)
            known = window.before if (window.before & present(table, name)).any() else window.rows
            renamed = self._renamed(column.filter(pa.array(known)))
            rows = window.rows & np.asarray(pc.is_in(column, pa.array(renamed, column.type)))
            suffix, nothing = (pa.scalar(text, column.type) for text in (self.suffix, ""))
            suffixed = pc.binary_join_element_wise(column, suffix, nothing)
            table = place(table, name, rows, suffixed.cast(column.type))
            acted |= rows
        return table, acted

    def _strings(self, table: pa.Table, name: str) -> pa.ChunkedArray:
        kind = table.schema.field(name).type
        if not is_text(kind):
            raise BadInput(f"column {name} holds {kind}; {self.name} needs strings")
        return plain(table[name])

    def _renamed(self, known: pa.ChunkedArray) -> list[str]:
        counts = [(c["counts"], c["values"]) for c in known.drop_null().value_counts().to_pylist()]
        rarest = [value for _, value in sorted(counts)]
        return rarest[: max(1, round(self.categories * len(rarest)))]

    def _what(self) -> str:
        return (
            f"the rarest {self.categories:.0%} of the categories of {_named(self.columns)} have "
            f"{self.suffix} behind their names"
        )


@dataclass(frozen=True, kw_only=True)
class ColumnSwap(FeatureIncident):
    """Two columns change places: a producer orders its fields anew."""

    name: ClassVar[str] = "column_swap"
    takes: ClassVar[str] = "two columns, both of numbers or both of strings"
    rate: Annotated[float, share(0.1, 0.5, 1.0, "share of the rows with swapped values")] = (
        BY_SEVERITY
    )

    def _alter(
        self, table: pa.Table, window: Window, rng: np.random.Generator
    ) -> tuple[pa.Table, BoolArray]:
        first, second = self._pair(table)
        rows = pick(window.rows, self.rate, rng)
        kinds = [plain(table[name]).type for name in (first, second)]
        swapped = place(table, first, rows, converted(table, second, kinds[0]))
        return place(swapped, second, rows, converted(table, first, kinds[1])), rows

    def _pair(self, table: pa.Table) -> tuple[str, str]:
        kinds = [table.schema.field(name).type for name in self.columns]
        if len(set(self.columns)) != 2 or not (
            all(map(is_numeric, kinds)) or all(map(is_text, kinds)) or kinds[0] == kinds[1]
        ):
            held = ", ".join(f"{n} ({k})" for n, k in zip(self.columns, kinds, strict=True))
            raise BadInput(f"{self.name}: columns are {held}; expected {self.takes}")
        return self.columns[0], self.columns[1]

    def _what(self) -> str:
        return f"{_named(self.columns)} have changed places in {self.rate:.0%} of the rows"


@dataclass(frozen=True, kw_only=True)
class ClippedRange(FeatureIncident):
    """A field saturates: values above a quantile of those before the onset are cut to it."""

    name: ClassVar[str] = "clipped_range"
    takes: ClassVar[str] = "numeric columns"
    quantile: Annotated[
        float, share(0.95, 0.8, 0.5, "values above this quantile are cut to it")
    ] = BY_SEVERITY

    def _alter(
        self, table: pa.Table, window: Window, rng: np.random.Generator
    ) -> tuple[pa.Table, BoolArray]:
        acted = np.zeros(table.num_rows, dtype=np.bool_)
        for name in self.columns:
            values = numbers(table, name)
            limit = self._limit(values, window)
            rows = window.rows & (values > limit)
            table = place(table, name, rows, np.full(len(values), limit))
            acted |= rows
        return table, acted

    def _limit(self, values: FloatArray, window: Window) -> float:
        """A value that occurs, so that an integer column needs no rounding."""
        known = values[window.before & ~np.isnan(values)]
        known = known if len(known) else values[window.rows & ~np.isnan(values)]
        if not len(known):
            return float("inf")
        return float(np.quantile(known, self.quantile, method="lower"))

    def _what(self) -> str:
        return f"values of {_named(self.columns)} above quantile {self.quantile:g} are cut to it"


def _named(columns: tuple[str, ...]) -> str:
    return " and ".join(columns)


def _entity_codes(table: pa.Table, entity: str | None) -> IntArray:
    if entity is None or entity not in table.column_names:
        return np.zeros(table.num_rows, dtype=np.int64)
    encoded = plain(table[entity]).combine_chunks().dictionary_encode(null_encoding="encode")
    return np.asarray(encoded.indices, dtype=np.int64)


def _last_known(entity: IntArray, known: BoolArray, window: Window) -> IntArray:
    """Of each row, the row whose value its entity is stuck at."""
    order = np.argsort(window.instants, kind="stable")
    source = np.full(int(entity.max(initial=0)) + 1, -1, dtype=np.int64)
    # the last write to an entity stays: its first value of the window, then its last one before
    within = order[(window.rows & known)[order]][::-1]
    source[entity[within]] = within
    before = order[(window.before & known)[order]]
    source[entity[before]] = before
    found = source[entity]
    return np.where(found < 0, np.arange(len(entity)), found)
