"""Reading a frame for a reference: which columns are features, what the outcome is, and its task."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel.contract import DataContract
from timonel.errors import BadInput
from timonel.frames import label, to_arrow
from timonel.reference.bins import Bins, CategoryBins, NumericBins
from timonel.reference.cells import numbers
from timonel.reference.classes import Classes, distinct_values
from timonel.terms import Task

IDENTIFIER = 0.5
"""A text column with more different values than this share of its rows names its rows."""

Column = str | Any
"""The name of one of the frame's columns, or the values themselves."""


def read_outcome(
    columns: Mapping[str, Any],
    rows: int,
    predictions: Column | None,
    labels: Column | None,
    scores: Column | None,
) -> dict[str, pa.Array]:
    """The predictions, labels and scores that were given, as columns by their role."""
    given = {"prediction": predictions, "label": labels, "score": scores}
    outcome = {}
    for role, column in given.items():
        if column is None:
            continue
        values = _looked_up(columns, column, role) if isinstance(column, str) else column
        if len(values) != rows:
            raise BadInput(f"{role}s has {len(values):,} rows, expected {rows:,} as in the frame")
        outcome[role] = _score_column(values) if role == "score" else to_arrow(values)
    return outcome


def _looked_up(columns: Mapping[str, Any], name: str, role: str) -> Any:
    if name not in columns:
        raise BadInput(
            f"{role}s is {name!r}, which is no column of the frame",
            fix=f"use one of {', '.join(list(columns)[:12])}, or give the values",
        )
    return columns[name]


def _score_column(values: Any) -> pa.Array:
    plain = values if isinstance(values, np.ndarray) else None
    if plain is not None and plain.ndim == 2:
        flat = pa.array(np.ascontiguousarray(plain, dtype=np.float64).ravel())
        return pa.FixedSizeListArray.from_arrays(flat, plain.shape[1])
    return pa.array(numbers(values))


def feature_names(
    columns: Mapping[str, Any],
    rows: int,
    contract: DataContract | None,
    features: tuple[str, ...] | None,
    taken: set[str],
) -> list[str]:
    """The features: those of the contract, those named, or all columns that look like one."""
    wanted = features
    if contract is not None:
        wanted = tuple(
            c.name for c in contract.features if c.kind in ("numeric", "boolean", "categorical")
        )
    if wanted is None:
        return [n for n in columns if n not in taken and _is_feature(to_arrow(columns[n]), rows)]
    absent = [name for name in wanted if name not in columns]
    if absent:
        raise BadInput(f"the frame lacks the feature {', '.join(absent)}")
    return list(wanted)


def _is_feature(array: pa.Array, rows: int) -> bool:
    types, kind = pa.types, array.type
    if types.is_temporal(kind) or types.is_nested(kind) or types.is_binary(kind):
        return False
    if types.is_string(kind) or types.is_large_string(kind):
        return bool(pc.count_distinct(array).as_py() <= max(50, IDENTIFIER * rows))
    return True


def text_column(contract: DataContract | None) -> str | None:
    """The column with the text of a text task."""
    texts = () if contract is None else contract.text
    return texts[0].name if texts and contract is not None and contract.task is Task.TEXT else None


def kind_of(contract: DataContract | None, name: str) -> str | None:
    """The contract's kind of a feature; None without a contract."""
    kinds = {} if contract is None else {c.name: c.kind for c in contract.features}
    return kinds.get(name)


def draw_bins(name: str, column: Any, kind: str | None) -> Bins:
    """Draw the bins of a column; without a kind, text is a category and all else a number."""
    array = to_arrow(column)
    words = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    if kind == "categorical" or (kind is None and (words or pa.types.is_dictionary(array.type))):
        counts = pc.value_counts(
            array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        )
        pairs = zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True)
        return CategoryBins.fit(
            name, {label(v): n for v, n in pairs if v is not None and v == v and v != ""}
        )
    return NumericBins.fit(name, numbers(column))


def told_task(
    contract: DataContract | None, outcome: Mapping[str, pa.Array]
) -> tuple[Task | None, Classes | None]:
    """The task and its classes, by the contract or by the outcome."""
    if contract is not None:
        return contract.task, Classes.of(contract.classes)
    seen = [
        v
        for role in ("label", "prediction")
        if role in outcome
        for v in distinct_values(outcome[role])
    ]
    return infer_task(seen) if seen else (None, None)


def infer_task(values: list[Any]) -> tuple[Task, Classes]:
    """The task that such outcomes speak of: 0 and 1 (or False and True) are binary, others classes."""
    classes = Classes.of(values)
    if set(classes.names) <= {"0", "1"}:
        return Task.BINARY, Classes(("0", "1"))
    return Task.MULTICLASS, Classes(tuple(sorted(classes.names)))
