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
STRETCHES = 2
"""Stretches of newer rows on which a model is calibrated that learnt from the rows before."""
STRETCH_SHARE = 6
"""Each stretch is one part in so many of the rows."""


@dataclass(frozen=True)
class Seen:
    """What an estimator has to know of the training rows before it is built."""

    rows: int
    vocabulary: tuple[tuple[str, ...], ...]
    """For each categorical column the known categories, in ascending order of the target."""
    rarest: int
    """Rows of the rarest class."""
    spread: bool
    """Whether every class occurs in the early rows and in each of the `STRETCHES` that follow them."""

    @property
    def stretch(self) -> int:
        """Rows of a stretch."""
        return max(1, self.rows // STRETCH_SHARE)


def look_at(batch: FeatureBatch, y: NDArray[np.int64]) -> Seen:
    """Collect the vocabulary of the training rows; `y` holds the classes' indices."""
    vocabulary = tuple(_known(column, y) for column in batch.categorical.T)
    counts = np.bincount(y)
    rarest = int(counts[counts > 0].min())
    return Seen(len(y), vocabulary, rarest, _spread(y))


def _spread(y: NDArray[np.int64]) -> bool:
    stretch = max(1, len(y) // STRETCH_SHARE)
    early, *late = np.split(y, [len(y) - (i + 1) * stretch for i in reversed(range(STRETCHES))])
    classes = len(np.unique(y))
    return all(len(np.unique(part)) == classes for part in (early, *late))


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
