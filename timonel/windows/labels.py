"""Outcomes that arrive later than their predictions, and which of several for one prediction stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.windows.events import Array

Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """n outcomes by prediction id."""

    ids: pa.Array
    """Text, without nulls."""
    arrived: NDArray[np.int64]
    """When each became known; microseconds since 1970 UTC."""
    columns: Mapping[str, Array]
    """The outcome, as the metric packs read it: mostly "actual"."""

    def __len__(self) -> int:
        return len(self.arrived)

    def take(self, rows: Array) -> "Labels":
        """Some of the rows, by position."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return Labels(self.ids.take(pa.array(rows)), self.arrived[rows], columns)


def concat_labels(parts: Sequence[Labels]) -> Labels:
    """The rows of one or more batches, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Labels(
        pa.concat_arrays([part.ids for part in parts]),
        np.concatenate([part.arrived for part in parts]),
        {n: np.concatenate([part.columns[n] for part in parts]) for n in parts[0].columns},
    )


@dataclass(slots=True)
class Tally:
    """What became of the labels; each is counted once. How the repeated ones split depends on their order."""

    applied: int = 0
    """The first for their prediction."""
    duplicate: int = 0
    """Said what was known."""
    corrected: int = 0
    """Took the place of an earlier one."""
    outdated: int = 0
    """Arrived earlier than the one that stands, but came to us later."""
    conflicting: int = 0
    """Said something else than another that arrived at the same time."""
    unknown: int = 0
    """Given up: no prediction came."""
    duplicate_predictions: int = 0
    """Predictions whose id an earlier one had; found when the label comes."""
    dropped: int = 0
    """Predictions forgotten before a label came, for more were waiting than the limit, or for their age."""

    def plus(self, other: "Tally") -> "Tally":
        """What became of the labels of both."""
        return Tally(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))

    def to_dict(self) -> dict[str, int]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The labels of each prediction in the order in which they arrived."""

    order: Index
    """Rows of the labels, by prediction, then arrival."""
    last: NDArray[np.bool_]
    """Of the ordered rows: the one that stands."""
    repeats: NDArray[np.bool_]
    """The row before is of the same prediction."""
    same: NDArray[np.bool_]
    """The row before says the same."""
    together: NDArray[np.bool_]
    """The row before arrived at the same time."""


def rank(prediction: Index, arrived: NDArray[np.int64], columns: Mapping[str, Array]) -> Ranking:
    """Order labels: the latest arrival stands, and of several at one time the greatest outcome."""
    outcome = flat(columns)
    order = np.lexsort((*reversed(outcome), arrived, prediction))
    repeats = _as_before(prediction[order])
    same = np.ones(len(order), np.bool_)
    for column in outcome:
        same &= _as_before(column[order])
    last = np.append(~repeats[1:], True)
    return Ranking(order, last, repeats, same, _as_before(arrived[order]))


def flat(columns: Mapping[str, Array]) -> list[Array]:
    """The columns, those with several values a row split."""
    return [part for name in sorted(columns) for part in np.atleast_2d(columns[name].T)]


def _as_before(values: Array) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = np.zeros(len(values), np.bool_)
    same[1:] = values[1:] == values[:-1]
    return same
