"""How items relate to each other: what turns a user's history into scores of the whole catalogue."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from timonel.performance.ranking import NO_ITEM
from timonel.ranker.tables import Codes, Weights

Scores = NDArray[np.float32]


class Relations(Protocol):
    """Scores items by the items that a user chose."""

    def scores(self, whose: NDArray[np.int64], items: Codes, weights: Weights, n: int) -> Scores:
        """Float32 (n, catalogue): user `whose[j]` of n chose `items[j]` with `weights[j]`."""


@dataclass(frozen=True)
class Neighbours:
    """Each item's most similar items: Sarwar et al. (2001), item-based collaborative filtering."""

    items: Codes
    """(catalogue, m); `NO_ITEM` where an item has fewer neighbours."""
    similarity: Weights
    """(catalogue, m); 0 where there is no neighbour."""

    def scores(self, whose: NDArray[np.int64], items: Codes, weights: Weights, n: int) -> Scores:
        """The weighted sum of the similarities to the items that the user chose."""
        size = len(self.items)
        near, value = self.items[items], self.similarity[items] * weights[:, None]
        at = whose[:, None] * size + near
        real = near != NO_ITEM
        total = np.bincount(at[real], weights=value[real], minlength=n * size)
        return np.asarray(total.reshape(n, size), dtype=np.float32)


@dataclass(frozen=True)
class Factors:
    """Item vectors whose inner product is affinity: Cremonesi, Koren and Turrin (2010), PureSVD.

    A user's vector is the weighted sum of the vectors chosen, so that no user has to be learnt.
    """

    vectors: NDArray[np.float32]
    """(catalogue, d)"""

    def scores(self, whose: NDArray[np.int64], items: Codes, weights: Weights, n: int) -> Scores:
        """The inner products of the user's vector with those of all items."""
        users = np.zeros((n, self.vectors.shape[1]), dtype=np.float32)
        np.add.at(users, whose, self.vectors[items] * weights[:, None])
        return np.asarray(users @ self.vectors.T, dtype=np.float32)
