"""The rankers that compete: scikit-learn estimators that fill the tables of `timonel.ranker`.

`fit(interactions)`, then `top_k(users, k)`; `predict(users)` gives each user's best item. What is fitted
is `ranker_`, plain tables: the estimator itself is not needed to serve.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.decomposition import TruncatedSVD

from timonel.config import Candidate
from timonel.performance.ranking import NO_ITEM
from timonel.ranker import Factors, Histories, Neighbours, Popularity, Ranked, Ranker, Relations
from timonel_components.learning.estimators import Params, Space
from timonel_components.ranking.interactions import Interactions

BLOCK = 512
"""Items whose similarities to all others are held at once."""


class _Estimator(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn publishes no types
    """What all rankers have in common: the catalogue, the histories, and how items relate."""

    half_life: float
    fame: float
    exclude_seen: bool
    ranker_: Ranker

    def fit(self, X: Interactions, y: None = None) -> Self:
        """Learn from choices; `y` is there for scikit-learn's sake."""
        items, codes = X.catalogue(self.fame)
        histories = X.histories(codes, self.half_life)
        relations = self._relate(histories, len(items))
        self.ranker_ = Ranker(items, histories, relations, self.exclude_seen)
        return self

    def top_k(self, users: Sequence[str], k: int) -> Ranked:
        """The best k items of each user, as codes of `ranker_.items`."""
        return self.ranker_.top_k(users, k)

    def predict(self, X: Sequence[str]) -> NDArray[np.object_]:
        """The best item of each user."""
        best = self.top_k(X, 1).items[:, 0]
        return np.asarray(self.ranker_.items.names[best])

    @abstractmethod
    def _relate(self, histories: Histories, n: int) -> Relations | Popularity:
        """How the n items relate, told from who chose them."""


class PopularityRanker(_Estimator):
    """What most chose lately, the same for everybody: what a better ranker has to beat."""

    def __init__(self, *, fame: float = 0.1, exclude_seen: bool = True) -> None:
        self.fame, self.exclude_seen = fame, exclude_seen
        self.half_life = 1.0

    def _relate(self, histories: Histories, n: int) -> Popularity:
        return Popularity()


class ItemKNNRanker(_Estimator):
    """Items like those chosen: cosine similarity of who chose them (Sarwar et al. 2001).

    `shrink` choosers are added to the denominator, so that two items with few choosers are not alike by
    chance. `half_life`: how fast a choice loses weight in its user's taste.
    """

    def __init__(
        self,
        *,
        neighbours: int = 50,
        shrink: float = 10,
        half_life: float = 0.3,
        fame: float = 0.1,
        exclude_seen: bool = True,
    ) -> None:
        self.neighbours, self.shrink = neighbours, shrink
        self.half_life, self.fame, self.exclude_seen = half_life, fame, exclude_seen

    def _relate(self, histories: Histories, n: int) -> Neighbours:
        chosen = _matrix(histories, n)
        norm = np.sqrt(np.asarray(chosen.sum(axis=0)).ravel())
        m = min(int(self.neighbours), n - 1)
        near = np.full((n, m), NO_ITEM, dtype=np.int32)
        value = np.zeros((n, m), dtype=np.float32)
        for start in range(0, n, BLOCK):
            rows = slice(start, min(start + BLOCK, n))
            shared = (chosen[:, rows].T @ chosen).toarray()
            alike = shared / (norm[rows, None] * norm[None, :] + self.shrink)
            alike[np.arange(len(alike)), np.arange(start, start + len(alike))] = 0
            best = np.argsort(-alike, axis=1, kind="stable")[:, :m]
            value[rows] = np.take_along_axis(alike, best, axis=1)
            near[rows] = np.where(value[rows] > 0, best, NO_ITEM)
        return Neighbours(near, value)


class TruncatedSVDRanker(_Estimator):
    """Items near those chosen in a space of few dimensions: PureSVD (Cremonesi et al. 2010)."""

    def __init__(
        self,
        *,
        components: int = 16,
        half_life: float = 0.3,
        fame: float = 0.1,
        exclude_seen: bool = True,
        seed: int = 0,
    ) -> None:
        self.components, self.seed = components, seed
        self.half_life, self.fame, self.exclude_seen = half_life, fame, exclude_seen

    def _relate(self, histories: Histories, n: int) -> Factors:
        chosen = _matrix(histories, n)
        # the least dimension bounds the rank, and scikit-learn wants fewer components than items
        size = max(1, min(int(self.components), n - 1, chosen.shape[0] - 1))
        model = TruncatedSVD(size, random_state=self.seed).fit(chosen)
        return Factors(np.ascontiguousarray(model.components_.T, dtype=np.float32))


SPACES: Mapping[Candidate, Space] = {
    Candidate.POPULARITY: {"fame": (0.1, 0.03, 0.3, 1.0)},
    Candidate.ITEM_KNN: {
        "neighbours": (50, 20, 100),
        "shrink": (10, 0, 50),
        "half_life": (0.3, 0.1, 1.0),
    },
    Candidate.TRUNCATED_SVD: {"components": (16, 8, 4, 32), "half_life": (0.3, 0.1, 1.0)},
}
"""What the search may set, for each candidate; the first value of each setting is its default."""

_KINDS: Mapping[Candidate, type[_Estimator]] = {
    Candidate.POPULARITY: PopularityRanker,
    Candidate.ITEM_KNN: ItemKNNRanker,
    Candidate.TRUNCATED_SVD: TruncatedSVDRanker,
}


def build(candidate: Candidate, params: Params, *, exclude_seen: bool, seed: int) -> _Estimator:
    """An unfitted ranker; the same arguments give the same one."""
    fixed: dict[str, Any] = {"exclude_seen": exclude_seen}
    if candidate is Candidate.TRUNCATED_SVD:
        fixed["seed"] = seed
    return _KINDS[candidate](**params, **fixed)


def _matrix(histories: Histories, n: int) -> Any:
    """Users by items, 1 where the user chose the item."""
    ones = np.ones(len(histories.items), dtype=np.float64)
    shape = (len(histories.users), n)
    return sparse.csr_matrix((ones, histories.items, histories.starts), shape=shape)
