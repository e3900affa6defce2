"""Ranks the catalogue for users: the best k items each, those they know left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.performance.ranking import NO_ITEM
from timonel.ranker.relations import Relations, Scores
from timonel.ranker.tables import Codes, Histories, Items

CELLS = 4_000_000
"""Scores held at once: bounds the memory of a large batch."""


@dataclass(frozen=True)
class Popularity:
    """No relation between items: everybody gets the most popular ones."""


@dataclass(frozen=True)
class Ranked:
    """The best items of n users, at most k each, the best first."""

    items: Codes
    """(n, k); `NO_ITEM` where the catalogue has no more items."""
    scores: Scores
    """(n, k) falling; NaN where there is no item. Scores of two users cannot be compared."""
    cold: NDArray[np.bool_]
    """(n,): whether nothing is known of the user, who gets the most popular items."""

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class Ranker:
    """A recommender: what it knows of items and users, and how it relates them."""

    items: Items
    histories: Histories
    relations: Relations | Popularity
    exclude_seen: bool = True
    """Whether items that a user chose before are left out of the list."""

    def top_k(
        self, users: Sequence[str], k: int | NDArray[np.int64], exclude: Sequence[Codes] = ()
    ) -> Ranked:
        """The best items of each user. The same arguments give the same lists.

        `k` is the length of all lists or of each; `exclude` holds for each user item codes to leave
        out. Ties go to the more popular item; an unknown user gets the most popular items.
        """
        n = len(users)
        lengths = np.minimum(np.broadcast_to(k, n), len(self.items))
        rows = self.histories.rows(users)
        step = max(1, CELLS // len(self.items))
        ranked = Ranked(
            np.full((n, lengths.max(initial=0)), NO_ITEM, dtype=np.int32),
            np.full((n, lengths.max(initial=0)), np.nan, dtype=np.float32),
            rows < 0,
        )
        for start in range(0, n, step):
            part = slice(start, start + step)
            scores = self._scores(rows[part], exclude[part])
            for i, row in enumerate(scores, start):
                best = _best(row, int(lengths[i]))
                ranked.items[i, : len(best)], ranked.scores[i, : len(best)] = best, row[best]
        return ranked

    def _scores(self, rows: NDArray[np.int64], exclude: Sequence[Codes]) -> Scores:
        whose, items, weights = self.histories.chosen(rows)
        scores = np.tile(self.items.popularity, (len(rows), 1))
        known = rows >= 0
        if not isinstance(self.relations, Popularity) and known.any():
            scores[known] = self.relations.scores(whose, items, weights, len(rows))[known]
        if self.exclude_seen:
            scores[whose, items] = -np.inf
        for i, codes in enumerate(exclude):
            scores[i, codes[codes != NO_ITEM]] = -np.inf
        return scores


def _best(scores: Scores, k: int) -> NDArray[np.int64]:
    """The places of the k greatest scores in falling order, of equals the first; -inf is left out."""
    if k < len(scores):
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        above, equal = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
        chosen = np.sort(np.concatenate([above, equal[: k - len(above)]]))
    else:
        chosen = np.arange(len(scores))
    chosen = chosen[np.isfinite(scores[chosen])]
    best: NDArray[np.int64] = chosen[np.argsort(-scores[chosen], kind="stable")]
    return best
