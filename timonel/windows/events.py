"""A batch of predictions, column by column, as the windows count it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column of few different texts: `values[codes]`."""

    codes: NDArray[np.int32]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """n predictions. What a pack reads stands in `columns`, each an array whose first dimension is n."""

    time: NDArray[np.int64]
    """Microseconds since 1970 UTC."""
    version: Coded
    """The model's version; "" where it was not given."""
    columns: Mapping[str, Array]
    labelled: NDArray[np.bool_]
    """Where `columns["actual"]` holds the outcome."""
    slices: Mapping[str, Coded] = field(default_factory=dict)
    """By slicing column: each row's value."""
    ids: pa.Array | None = None
    """The prediction ids, text; null where not given."""

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: Array) -> "Events":
        """Some of the rows, by position or mask."""
        ids = None if self.ids is None else self.ids.take(pa.array(_positions(rows)))
        return Events(
            self.time[rows],
            Coded(self.version.codes[rows], self.version.values),
            {name: column[rows] for name, column in self.columns.items()},
            self.labelled[rows],
            {name: Coded(c.codes[rows], c.values) for name, c in self.slices.items()},
            ids,
        )

    def slice(self, start: int, stop: int) -> "Events":
        """The rows from start to stop (excluded), not copied."""
        ids = None if self.ids is None else self.ids.slice(start, stop - start)
        rows = slice(start, stop)
        return Events(
            self.time[rows],
            Coded(self.version.codes[rows], self.version.values),
            {name: column[rows] for name, column in self.columns.items()},
            self.labelled[rows],
            {name: Coded(c.codes[rows], c.values) for name, c in self.slices.items()},
            ids,
        )


def concat(parts: Sequence[Events]) -> Events:
    """The rows of one or more batches with the same columns, one after the other."""
    if len(parts) == 1:
        return parts[0]
    ids = [part.ids for part in parts if part.ids is not None]
    return Events(
        np.concatenate([part.time for part in parts]),
        concat_coded([part.version for part in parts]),
        {n: np.concatenate([part.columns[n] for part in parts]) for n in parts[0].columns},
        np.concatenate([part.labelled for part in parts]),
        {n: concat_coded([part.slices[n] for part in parts]) for n in parts[0].slices},
        pa.concat_arrays(ids) if len(ids) == len(parts) else None,
    )


def concat_coded(parts: Sequence[Coded]) -> Coded:
    """The rows of coded columns, one after the other; values that no row has are dropped."""
    place: dict[str, int] = {}
    codes = []
    for part in parts:
        lookup = np.zeros(len(part.values), np.int32)
        for i in np.flatnonzero(np.bincount(part.codes, minlength=len(part.values))):
            lookup[i] = place.setdefault(part.values[i], len(place))
        codes.append(lookup[part.codes])
    return Coded(np.concatenate(codes), tuple(place))


def _positions(rows: Array) -> Array:
    return np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
