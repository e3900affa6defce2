"""Which categories of a column a model knows by name.

Rare categories are left out on purpose: the model meets them in training as it will meet unseen ones in
service, so that it learns what to do with a stranger, and a column with a million values stays small.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.contract import FeatureBatch

MAX_CATEGORIES = 100
"""Categories of one column at most: the most frequent ones."""
MIN_ROWS = 10
"""Rows that a category needs in order to be known."""


@dataclass(frozen=True)
class Seen:
    """What an estimator has to know of the training rows before it is built."""

    rows: int
    vocabulary: tuple[tuple[str, ...], ...]
    """For each categorical column the known categories, in ascending order of the target."""


def look_at(batch: FeatureBatch, y: NDArray[np.int64]) -> Seen:
    """Collect the vocabulary of the training rows; `y` holds the classes' indices."""
    columns = batch.categorical.T
    return Seen(len(batch), tuple(_known(column, y) for column in columns))


def _known(column: NDArray[Any], y: NDArray[np.int64]) -> tuple[str, ...]:
    """The column's frequent categories, ordered by how often the last class occurs in them.

    In that order the best cut of a tree through a binary target is one threshold (Breiman et al., 1984).
    """
    names, place = np.unique(column.astype(str), return_inverse=True)
    counts = np.bincount(place)
    ranking = np.argsort(-counts, kind="stable")[:MAX_CATEGORIES]
    kept = ranking[counts[ranking] >= min(MIN_ROWS, counts.max())]
    rate = np.bincount(place, weights=y == y.max()) / counts
    ordered = sorted(kept, key=lambda i: (rate[i], names[i]))
    return tuple(str(names[i]) for i in ordered)
