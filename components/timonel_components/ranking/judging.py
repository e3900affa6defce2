"""Lists held against what their users went on to choose."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.errors import BadInput
from timonel.performance.ranking import NO_ITEM, self_information
from timonel.ranker import Items, Ranker
from timonel_components.metrics.ranked import Judged
from timonel_components.ranking.interactions import Interactions


@dataclass(frozen=True)
class Truth:
    """What users went on to choose: of each user every item once, items known before left out."""

    users: NDArray[np.object_]
    """The n users who chose anything new, in the order of their names."""
    whose: NDArray[np.int64]
    """(choices,) the user of each choice, as an index into `users`."""
    items: NDArray[np.object_]
    """(choices,) the item."""
    nothing_new: int
    """Users who chose only what they had chosen before: no list could have been right."""

    @classmethod
    def of(cls, later: Interactions, ranker: Ranker) -> "Truth":
        """The later choices of users under a ranker; raises `BadInput` where there are none."""
        pairs = sorted(set(zip(later.users, later.items, strict=True)))
        everyone = len({user for user, _ in pairs})
        if ranker.exclude_seen:
            pairs = _unseen(pairs, ranker)
        if not pairs:
            raise BadInput("no user chose an item that was new to them: no list can be judged")
        names = np.array([user for user, _ in pairs], dtype=object)
        users, whose = np.unique(names, return_inverse=True)
        items = np.array([item for _, item in pairs], dtype=object)
        return cls(users, whose, items, everyone - len(users))

    def __len__(self) -> int:
        return len(self.users)

    def judge(self, ranker: Ranker, k: int) -> Judged:
        """The users' lists of k, judged; an item that no list can hold counts as relevant too."""
        ranked = ranker.top_k(list(self.users), k)
        codes, size = ranker.items.codes(list(self.items)).astype(np.int64), len(ranker.items)
        known = codes != NO_ITEM
        chosen = self.whose[known] * size + codes[known]
        places = np.arange(len(self))[:, None] * size + ranked.items
        relevant = np.isin(places, chosen) & (ranked.items != NO_ITEM)
        return Judged(
            ranked.items.astype(np.int64),
            relevant,
            np.bincount(self.whose, minlength=len(self)),
            ranked.cold,
            self_information(ranker.items.interactions),
            _groups(ranker.items),
        )


def _unseen(pairs: list[tuple[str, str]], ranker: Ranker) -> list[tuple[str, str]]:
    histories, size = ranker.histories, len(ranker.items)
    owner = np.repeat(np.arange(len(histories.users)), np.diff(histories.starts))
    seen = set((owner * size + histories.items).tolist())
    rows = histories.rows([user for user, _ in pairs]).tolist()
    codes = ranker.items.codes([item for _, item in pairs]).tolist()
    return [
        pair
        for pair, row, code in zip(pairs, rows, codes, strict=True)
        if row < 0 or code == NO_ITEM or row * size + code not in seen
    ]


def _groups(items: Items) -> NDArray[np.int64] | None:
    return items.group_codes
