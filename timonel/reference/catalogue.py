"""The items that a ranker chooses from, and lists of items as codes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.frames import is_missing, label, to_arrow

NO_ITEM = -1
UNKNOWN_CODES = 1 << 24
"""Items beyond the catalogue are told apart by so many codes, given by a hash of their name."""

Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Catalogue:
    """Items, the most popular first: an item's code is its place."""

    items: tuple[str, ...]
    popularity: tuple[int, ...]
    """How often each was chosen in the reference."""
    groups: tuple[str, ...] | None = None
    """The category of each, if there is one."""

    @classmethod
    def of_lists(cls, *columns: Any) -> Self:
        """The items that occur in lists, by how often they do."""
        counts: Counter[str] = Counter()
        for column in columns:
            flat, _ = _flat(column)
            counts.update(label(v) for v in flat if not is_missing(v))
        ranked = sorted(counts, key=lambda item: (-counts[item], item))
        return cls(tuple(ranked), tuple(counts[item] for item in ranked))

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def _place(self) -> Mapping[str, int]:
        return {item: code for code, item in enumerate(self.items)}

    def codes(self, column: Any, width: int) -> tuple[Codes, NDArray[np.bool_]]:
        """Lists of items as (n, width) codes, NO_ITEM where shorter, and which rows hold a list.

        A single item is a list of one. What goes beyond `width` is left out.
        """
        flat, lengths = _flat(column)
        codes = np.full((len(lengths), width), NO_ITEM, dtype=np.int32)
        places = np.fromiter(map(self._code, flat), dtype=np.int32, count=len(flat))
        size = np.maximum(lengths, 0)
        starts = np.cumsum(size) - size
        for j in range(width):
            rows = np.flatnonzero(size > j)
            codes[rows, j] = places[starts[rows] + j]
        return codes, lengths >= 0

    def _code(self, item: Any) -> int:
        if is_missing(item):
            return NO_ITEM
        name = label(item)
        known = self._place.get(name)
        return len(self) + crc32(name.encode()) % UNKNOWN_CODES if known is None else known

    def group_codes(self) -> NDArray[np.int64] | None:
        """The category of each item as a number."""
        if self.groups is None:
            return None
        _, codes = np.unique(np.array(self.groups), return_inverse=True)
        return np.asarray(codes, dtype=np.int64)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"items": self.items, "popularity": self.popularity, "groups": self.groups}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        groups = saved["groups"]
        return cls(
            tuple(saved["items"]),
            tuple(saved["popularity"]),
            None if groups is None else tuple(groups),
        )


def _flat(column: Any) -> tuple[list[Any], NDArray[np.int64]]:
    """The items of all rows end to end, and how many each row has; -1 for a row without a list."""
    array = to_arrow(column)
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        lengths = array.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False)
        return array.flatten().to_pylist(), lengths.astype(np.int64)
    values = array.to_pylist()
    lists = [v if isinstance(v, list | tuple) else [] if is_missing(v) else [v] for v in values]
    lengths = np.array(
        [-1 if is_missing(v) else len(x) for v, x in zip(values, lists, strict=True)]
    )
    return [item for x in lists for item in x], lengths.astype(np.int64)
