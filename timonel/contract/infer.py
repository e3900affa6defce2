"""Infers the data contract of a training table."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel.config import Config, Task
from timonel.config.section import Label
from timonel.config.sections import Kind
from timonel.contract.features import MISSING
from timonel.contract.model import ColumnContract, DataContract
from timonel.contract.ranking import infer_ranking
from timonel.errors import BadInput

RANGE_TOLERANCE = 0.25
"""How far beyond the seen range a number may lie, as a share of that range."""
MAX_CATEGORIES = 200
"""A column with more distinct values than this accepts any."""


def infer_contract(table: pa.Table, config: Config) -> DataContract:
    """Infer what `table` holds, under the roles that `config` gives its columns.

    Raises `BadInput` for a table that cannot train a model: empty, a missing or duplicate column,
    an all-null feature, a target with one class.
    """
    _check_shape(table, config)
    if config.model.task is Task.RANKING:
        time = table[str(config.data.time)]
        return infer_ranking(table, config, time_monotone=_is_sorted(time))
    names = config.data.features or _default_features(table, config)
    kinds = _Kinds(config)
    features = tuple(_infer_column(table[name], name, kinds) for name in names)
    time = config.data.time
    return DataContract(
        model=config.model.name,
        task=config.model.task,
        features=features,
        target=config.data.target,
        classes=_classes(table, config),
        time=time,
        time_monotone=time is not None and _is_sorted(table[time]),
        key=config.data.key,
        entity=config.data.entity,
        rows=table.num_rows,
    )


@dataclass(frozen=True)
class _Kinds:
    config: Config

    def of(self, name: str, dtype: pa.DataType) -> Kind:
        """Decide how the model takes a column: by the settings first, then by its type."""
        if name == self.config.data.text:
            return "text"
        if name in self.config.data.categorical or _is_string(dtype):
            return "categorical"
        return kind_of(name, dtype)


def kind_of(name: str, dtype: pa.DataType) -> Kind:
    """The kind that an Arrow type suggests; raises `BadInput` for nested and binary types."""
    rules: list[tuple[Callable[[pa.DataType], bool], Kind]] = [
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "numeric"),
        (pa.types.is_floating, "numeric"),
        (pa.types.is_decimal, "numeric"),
        (_is_string, "categorical"),
        (pa.types.is_temporal, "timestamp"),
    ]
    for fits, kind in rules:
        if fits(dtype):
            return kind
    raise BadInput(
        f"column {name} has type {dtype}: expected numbers, booleans, text or times",
        fix=f"turn it into columns of such types, or add {name} to data.drop",
    )


def _is_string(dtype: pa.DataType) -> bool:
    inner = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    return bool(
        pa.types.is_string(inner)
        or pa.types.is_large_string(inner)
        or pa.types.is_string_view(inner)
    )


def _check_shape(table: pa.Table, config: Config) -> None:
    twice = sorted({n for n in table.column_names if table.column_names.count(n) > 1})
    if twice:
        raise BadInput(
            f"the table has the column {', '.join(twice)} more than once: names must differ"
        )
    if not table.num_rows:
        raise BadInput("the table has no rows: there is nothing to learn from")
    data = config.data
    roles = {"target": data.target, "time": data.time, "key": data.key, "entity": data.entity}
    roles |= {f"features[{i}]": name for i, name in enumerate(data.features or ())}
    roles |= {"text": data.text}
    named = {f"data.{role}": name for role, name in roles.items()}
    for role, name in (named | {"ranking.category": config.ranking.category}).items():
        if name is not None and name not in table.column_names:
            raise BadInput(
                f"{role} names the column {name}, which the table does not have",
                fix=f"use one of its columns: {', '.join(table.column_names)}",
            )


def _default_features(table: pa.Table, config: Config) -> tuple[str, ...]:
    data = config.data
    if data.text is not None:
        return (data.text,)
    other = {data.target, data.time, data.key, data.entity, *data.drop}
    return tuple(name for name in table.column_names if name not in other)


def _infer_column(column: pa.ChunkedArray, name: str, kinds: _Kinds) -> ColumnContract:
    missing = column.null_count + _blanks(column)
    if missing == len(column):
        raise BadInput(
            f"column {name} has no value in any of the {len(column)} rows: a model cannot use it",
            fix=f"add {name} to data.drop",
        )
    kind = kinds.of(name, column.type)
    nullable = missing > 0 or _has_nan(column)
    if kind == "timestamp":
        raise BadInput(
            f"column {name} is a time, which a model cannot take as it is",
            fix=f"add {name} to data.drop, or turn it into numbers such as the hour",
        )
    if kind == "numeric":
        low, high = _range(column, name)
        return ColumnContract(name=name, kind=kind, nullable=nullable, minimum=low, maximum=high)
    if kind == "categorical":
        return ColumnContract(
            name=name, kind=kind, nullable=nullable, categories=_categories(column)
        )
    return ColumnContract(name=name, kind=kind, nullable=nullable)


def _has_nan(column: pa.ChunkedArray) -> bool:
    return pa.types.is_floating(column.type) and bool(pc.any(pc.is_nan(column)).as_py())


def _blanks(column: pa.ChunkedArray) -> int:
    """Empty texts: they stand for missing ones."""
    if not _is_string(column.type):
        return 0
    return int(pc.sum(pc.equal(column.cast(pa.string()), MISSING)).as_py() or 0)


def _range(column: pa.ChunkedArray, name: str) -> tuple[float, float]:
    values = column.cast(pa.float64()).drop_null().to_numpy()
    values = values[~np.isnan(values)]
    if np.isinf(values).any():
        raise BadInput(
            f"column {name} holds an infinite number in {int(np.isinf(values).sum())} rows",
            fix="leave such values empty: a missing value is learnt from, an infinite one is not",
        )
    if not len(values):
        raise BadInput(f"column {name} holds no number", fix=f"add {name} to data.drop")
    low, high = float(values.min()), float(values.max())
    slack = RANGE_TOLERANCE * ((high - low) or abs(high) or 1.0)
    # a quantity that was never negative may not become so: that is a sign error, not an outlier
    return (max(0.0, low - slack) if low >= 0 else low - slack), high + slack


def _categories(column: pa.ChunkedArray) -> tuple[str, ...] | None:
    seen = set(pc.unique(column.cast(pa.string())).drop_null().to_pylist()) - {MISSING}
    return tuple(sorted(seen)) if len(seen) <= MAX_CATEGORIES else None


def _classes(table: pa.Table, config: Config) -> tuple[Label, ...]:
    target = config.data.target
    if table[target].null_count:
        raise BadInput(
            f"the target {target} is missing in {table[target].null_count} of {table.num_rows} rows",
            fix="leave out the rows that have no label yet",
        )
    counts = {row["values"]: row["counts"] for row in pc.value_counts(table[target]).to_pylist()}
    values = sorted(counts, key=lambda v: (isinstance(v, str), v))
    if len(values) < 2:
        raise BadInput(
            f"the target {target} has one value only ({values[0]!r} in all {table.num_rows} rows)",
            why="a model needs rows of at least two classes to tell them apart",
        )
    _check_labels(target, values)
    if config.model.task is Task.MULTICLASS or (config.model.task is Task.TEXT and len(values) > 2):
        return tuple(values)
    return _binary_classes(values, counts, config)


def _check_labels(target: str, values: list[object]) -> None:
    if any(not isinstance(v, bool | int | str) for v in values):
        raise BadInput(
            f"the target {target} holds {values[0]!r}: expected classes (text, whole numbers, booleans)",
            fix="turn it into classes: Timonel trains classifiers",
        )
    if len(values) > MAX_CATEGORIES:
        raise BadInput(
            f"the target {target} has {len(values)} distinct values, at most {MAX_CATEGORIES} are classes"
        )


def _binary_classes(
    values: list[Label], counts: dict[Label, int], config: Config
) -> tuple[Label, ...]:
    target, positive = config.data.target, config.data.positive
    if len(values) > 2:
        raise BadInput(
            f"the target {target} has {len(values)} values ({', '.join(map(repr, values[:5]))}, ...),"
            " a binary task has two",
            fix="set model.task to multiclass",
        )
    if positive is None:
        positive = min(values, key=lambda v: (counts[v], v != values[-1]))
    matches = [
        v for v in values if v == positive and isinstance(v, bool) == isinstance(positive, bool)
    ]
    if not matches:
        raise BadInput(
            f"data.positive is {positive!r}, the target {target} holds {values[0]!r} and {values[1]!r}"
        )
    return tuple(sorted(values, key=lambda v: v == matches[0]))


def _is_sorted(column: pa.ChunkedArray) -> bool:
    if column.null_count or len(column) < 2:
        return not column.null_count
    values = column.combine_chunks()
    return bool(pc.all(pc.less_equal(values[:-1], values[1:])).as_py())
