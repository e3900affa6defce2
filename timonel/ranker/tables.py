"""What a ranker knows of items and of users, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from timonel.performance.ranking import NO_ITEM

Codes = NDArray[np.int32]
Weights = NDArray[np.float32]
Names = NDArray[np.object_]


@dataclass(frozen=True)
class Items:
    """The catalogue, the most popular item first: an item's code is its place."""

    names: Names
    popularity: Weights
    """(n,) falling: how much each item is chosen, recent choices perhaps counting more."""
    interactions: NDArray[np.int64]
    """(n,) how often each item was chosen in the training rows."""
    groups: Names | None = None
    """(n,) the category of each item, where there is one."""

    def __post_init__(self) -> None:
        if (np.diff(self.popularity) > 0).any():
            raise ValueError("items must be in falling order of popularity: it breaks ties")

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def place(self) -> dict[str, int]:
        """The code of each item, by its name."""
        return {name: code for code, name in enumerate(self.names)}

    @cached_property
    def group_codes(self) -> NDArray[np.int64] | None:
        """The category of each item as a number."""
        if self.groups is None:
            return None
        _, codes = np.unique(self.groups.astype(str), return_inverse=True)
        return np.asarray(codes, dtype=np.int64)

    def codes(self, names: Sequence[str]) -> Codes:
        """The code of each name; `NO_ITEM` for one that is not in the catalogue."""
        place = self.place
        found = (place.get(name, NO_ITEM) for name in names)
        return np.fromiter(found, dtype=np.int32, count=len(names))


@dataclass(frozen=True)
class Histories:
    """What each known user chose, the lists of all users end to end (compressed sparse rows)."""

    users: Names
    starts: NDArray[np.int64]
    """(users + 1,): the list of user i is items[starts[i]:starts[i + 1]]."""
    items: Codes
    """Item codes, each once a user."""
    weights: Weights
    """How much each item says of the user's taste now."""

    @cached_property
    def place(self) -> dict[str, int]:
        """The row of each user, by name."""
        return {name: row for row, name in enumerate(self.users)}

    def rows(self, users: Sequence[str]) -> NDArray[np.int64]:
        """The row of each user; -1 for one who is not known."""
        place = self.place
        return np.fromiter((place.get(u, -1) for u in users), dtype=np.int64, count=len(users))

    def lengths(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many items each of the rows holds; 0 for unknown users."""
        sizes = np.diff(self.starts)
        known = rows >= 0
        lengths = np.zeros(len(rows), dtype=np.int64)
        lengths[known] = sizes[rows[known]]
        return lengths

    def chosen(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], Codes, Weights]:
        """All items of some users: whose (the position in `rows`), which, with which weight."""
        lengths = self.lengths(rows)
        whose = np.repeat(np.arange(len(rows)), lengths)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        at = self.starts[rows[whose]] + within
        return whose, self.items[at], self.weights[at]
