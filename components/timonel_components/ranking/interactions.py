"""Who chose what and when, as arrays."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.config import Config
from timonel.ranker import Histories, Items

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interactions:
    """n choices; users, items and groups by name, as text."""

    users: NDArray[np.object_]
    items: NDArray[np.object_]
    at: Codes
    """(n,) the time of each, in any unit."""
    groups: NDArray[np.object_] | None = None
    """(n,) the category of the item."""

    @classmethod
    def of(cls, table: pa.Table, config: Config) -> "Interactions":
        """Read a table under the roles that the settings give its columns."""
        category = config.ranking.category
        return cls(
            _names(table[str(config.data.entity)]),
            _names(table[config.data.target]),
            table[str(config.data.time)].cast(pa.int64()).to_numpy(),
            None if category is None else _names(table[category]),
        )

    def __len__(self) -> int:
        return len(self.users)

    @cached_property
    def _user(self) -> tuple[NDArray[np.object_], Codes]:
        names, codes = np.unique(self.users, return_inverse=True)
        return names, codes

    @cached_property
    def _item(self) -> tuple[NDArray[np.object_], Codes]:
        names, codes = np.unique(self.items, return_inverse=True)
        return names, codes

    def weights(self, half_life: float) -> Floats:
        """(n,) 1 for the newest choice, halved with each `half_life` (a share of the whole span)."""
        age = (self.at.max() - self.at) / max(1, np.ptp(self.at))
        return np.asarray(0.5 ** (age / half_life))

    def catalogue(self, half_life: float) -> tuple[Items, Codes]:
        """The items in falling order of popularity, recent choices counting more; each row's item."""
        names, codes = self._item
        popularity = np.bincount(codes, self.weights(half_life)).astype(np.float32)
        order = np.argsort(-popularity, kind="stable")
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        items = Items(
            names[order], popularity[order], np.bincount(codes)[order], self._groups(codes, order)
        )
        return items, place[codes]

    def histories(self, items: Codes, half_life: float) -> Histories:
        """Each user's items, each once and as of its last choice; `items` (n,) are their codes."""
        users, codes = self._user
        newest_first = np.lexsort((-self.at, items, codes))
        key = codes[newest_first] * (items.max() + 1) + items[newest_first]
        kept = newest_first[np.unique(key, return_index=True)[1]]
        starts = np.searchsorted(codes[kept], np.arange(len(users) + 1))
        weights = self.weights(half_life)[kept].astype(np.float32)
        return Histories(users, starts, items[kept].astype(np.int32), weights)

    def _groups(self, codes: Codes, order: Codes) -> NDArray[np.object_] | None:
        """The category of each item, as its last row has it."""
        if self.groups is None:
            return None
        of = np.empty(len(order), dtype=object)
        of[codes] = self.groups
        return of[order]


def _names(column: pa.ChunkedArray) -> NDArray[np.object_]:
    """Text; a missing category is the empty one."""
    return np.asarray(column.cast(pa.string()).fill_null("").to_numpy(), dtype=object)
