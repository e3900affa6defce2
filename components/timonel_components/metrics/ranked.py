"""The figures by which a ranking is judged, each by its name in timonel.yaml.

The formulas are those of `timonel.performance.ranking`, so that the examination and the monitoring of a
model agree.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.performance import ranking

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """Lists of n users with what the users chose afterwards."""

    items: NDArray[np.int64]
    """(n, k) codes in the catalogue; `NO_ITEM` where a list is shorter."""
    relevant: NDArray[np.bool_]
    """(n, k): whether the user chose the item."""
    n_relevant: NDArray[np.int64]
    """(n,) how many items the user chose, at least 1."""
    cold: NDArray[np.bool_]
    """(n,): whether nothing was known of the user."""
    information: Floats
    """(catalogue,): the surprise of each item."""
    groups: NDArray[np.int64] | None = None
    """(catalogue,): the category of each item."""

    def __len__(self) -> int:
        return len(self.items)

    def take(self, lists: NDArray[np.int64]) -> "Judged":
        """Some of the lists."""
        return Judged(
            self.items[lists],
            self.relevant[lists],
            self.n_relevant[lists],
            self.cold[lists],
            self.information,
            self.groups,
        )

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(n,): how many items each list holds."""
        return np.asarray((self.items != ranking.NO_ITEM).sum(axis=1), dtype=np.int64)


@dataclass(frozen=True)
class ListMetric:
    """A figure that each list has; reported is the mean over the lists."""

    name: str
    higher_is_better: bool | None
    compute: Callable[[Judged], Floats]
    least_items: int = 0
    """Lists with fewer items have no such figure."""

    def of(self, judged: Judged) -> tuple[Floats, NDArray[np.bool_]]:
        """The figure of each list (n,), and which lists have it; 0 where there is none."""
        defined = judged.sizes >= self.least_items
        values = np.zeros(len(judged))
        values[defined] = self.compute(judged.take(np.flatnonzero(defined)))
        return values, defined


@dataclass(frozen=True)
class ShelfMetric:
    """A figure of all lists together, from how often they show each item of the catalogue."""

    name: str
    higher_is_better: bool | None
    compute: Callable[[NDArray[np.int64]], float]


def _novelty(judged: Judged) -> Floats:
    return ranking.novelty(judged.items, judged.information)


def _diversity(judged: Judged) -> Floats:
    assert judged.groups is not None
    return ranking.intra_list_diversity(judged.items, judged.groups)


LIST_METRICS: tuple[ListMetric, ...] = (
    ListMetric("ndcg_at_k", True, lambda j: ranking.ndcg(j.relevant, j.n_relevant)),
    ListMetric("hit_rate_at_k", True, lambda j: ranking.hit(j.relevant)),
    ListMetric("precision_at_k", True, lambda j: ranking.precision(j.relevant)),
    ListMetric("recall_at_k", True, lambda j: ranking.recall(j.relevant, j.n_relevant)),
    ListMetric("mrr", True, lambda j: ranking.reciprocal_rank(j.relevant)),
    ListMetric("novelty", None, _novelty, least_items=1),
    ListMetric("diversity", None, _diversity, least_items=2),
    ListMetric("cold_start_share", None, lambda j: j.cold.astype(np.float64)),
)
SHELF_METRICS: tuple[ShelfMetric, ...] = (
    ShelfMetric("coverage", None, ranking.coverage),
    ShelfMetric("gini", None, ranking.gini),
)
QUALITY = tuple(m.name for m in LIST_METRICS if m.higher_is_better)
"""The figures that compare two models."""
RANKED: dict[str, bool | None] = {m.name: m.higher_is_better for m in LIST_METRICS} | {
    m.name: m.higher_is_better for m in SHELF_METRICS
}
"""Every figure, and whether more of it is better; None: neither, it describes."""


def ranked_metrics(*, categories: bool) -> tuple[str, ...]:
    """The figures of a ranking, with or without categories of items."""
    return tuple(name for name in RANKED if categories or name != "diversity")
