"""Recommenders: how good the lists are, and what they do to the items."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.performance import ranking as figures
from timonel.performance.packs.deferred import Layers, from_table, together
from timonel.performance.packs.measures import count, fixed, mean_of, moments, share
from timonel.performance.ranking import NO_ITEM
from timonel.performance.value import Measured, State
from timonel.windows.events import Events
from timonel.windows.pack import Contribution, Field

Counts = NDArray[np.int64]
Items = NDArray[np.integer[Any]]

LISTED = 2000
"""Items with a counter of their own; those of higher codes share one."""
HEAD = 0.1
"""The share of the catalogue, the most popular of it, whose exposure is the popularity bias."""
_BITS = float(1 << 20)
"""Fixed point of novelty, whose squares are up to 1,000: exact to 1e-6."""
_AT_ONCE = 1 << 24
"""Pairs of places compared at once."""

_OF_ITEMS = ("coverage", "gini", "popularity_bias", "unlisted_share")
_QUALITY = ("hit", "precision", "recall", "ndcg", "reciprocal_rank")


@dataclass(frozen=True, eq=False)
class RankingPack:
    """Reads the columns items and actual, and cold where it is known.

    items: int32 (n, m), codes of the items shown, best first, NO_ITEM where a list is shorter; the first k
    count. actual: int32 (n, c) or (n,), codes of the items that the user went on to choose, NO_ITEM where
    fewer. cold: bool (n,), whether nothing was known of the user. Codes from 0 count the reference's
    catalogue, best the most popular first; from its size on they are items that it did not have.
    """

    popularity: Counts
    """Interactions of each item of the catalogue in the reference."""
    category: Counts | None = None
    """The category of each, as a code; None: diversity is not told."""
    k: int = 10

    remembers = ("items",)

    @property
    def quality(self) -> frozenset[str]:
        """What outcomes are needed for."""
        at_k = (f"{name}@{self.k}" for name in ("precision", "recall", "ndcg"))
        return frozenset({"hit_rate", *at_k, "mrr", "ctr"})

    @property
    def listed(self) -> int:
        """Items with a counter of their own."""
        return min(len(self.popularity), LISTED)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Of all lists the first four, of those with an outcome the others."""
        return (
            Field("ranking.exposure", self.listed + 1, sliced=False),
            Field("ranking.novelty", 3),
            Field("ranking.diversity", 3),
            Field("ranking.cold", 2),
            Field("ranking.outcome", 2, judged=True),
            Field("ranking.quality", 3 * len(_QUALITY), judged=True),
            Field("ranking.positions", 2 * self.k, judged=True),
        )

    @cached_property
    def _information(self) -> NDArray[np.float64]:
        """The surprise of each item, of one not in the catalogue last."""
        return figures.self_information(np.append(self.popularity, 0))

    def served(self, events: Events) -> Iterator[Contribution]:
        """What is shown."""
        items = self._shown(events)
        shared = np.minimum(items, self.listed)
        yield Contribution("ranking.exposure", shared)
        known = np.minimum(items, len(self.popularity))
        size = (items != NO_ITEM).sum(axis=1)
        novelty = np.full(len(items), np.nan)
        novelty[size > 0] = figures.novelty(known[size > 0], self._information)
        yield Contribution("ranking.novelty", *moments(novelty, _BITS))
        if self.category is not None:
            yield Contribution("ranking.diversity", *moments(self._diversity(known, size)))
        if "cold" in events.columns:
            yield Contribution("ranking.cold", events.columns["cold"].astype(np.int8))

    def judged(self, events: Events) -> Iterator[Contribution]:
        """What of it was chosen."""
        items, actual = self._shown(events), events.columns["actual"]
        actual = actual if actual.ndim == 2 else actual[:, None]
        relevant, chosen = relevance(items, actual)
        told = chosen > 0
        yield Contribution("ranking.outcome", told.astype(np.int8))
        yield Contribution("ranking.quality", *_quality(relevant, chosen, told))
        place = np.arange(self.k)
        shown = np.where(items != NO_ITEM, place, -1)
        clicked = np.where(relevant, self.k + place, -1)
        yield Contribution("ranking.positions", np.concatenate([shown, clicked], axis=1))

    def _shown(self, events: Events) -> Items:
        items = events.columns["items"][:, : self.k]
        short = self.k - items.shape[1]
        return np.pad(items, ((0, 0), (0, short)), constant_values=NO_ITEM) if short else items

    def _diversity(self, items: Items, size: Counts) -> NDArray[np.float64]:
        group = np.append(np.asarray(self.category), -1)
        found = np.full(len(items), np.nan)
        rows = np.flatnonzero(size >= 2)
        step = max(_AT_ONCE // self.k**2, 1)
        for part in (rows[i : i + step] for i in range(0, len(rows), step)):
            found[part] = figures.intra_list_diversity(items[part], group)
        return found

    @cached_property
    def _of_lists(self) -> Mapping[str, "Figure"]:
        """Figures of the lists, by name."""
        k = self.k
        return {
            "n_labelled": _labelled,
            "hit_rate": _hit_rate,
            f"precision@{k}": partial(_quality_of, "precision"),
            f"recall@{k}": partial(_quality_of, "recall"),
            f"ndcg@{k}": partial(_quality_of, "ndcg"),
            "mrr": partial(_quality_of, "reciprocal_rank"),
            "novelty": lambda sums: mean_of(sums["ranking.novelty"], _BITS),
            "intra_list_diversity": lambda sums: _capped(mean_of(sums["ranking.diversity"])),
            "cold_start_share": lambda sums: share(*_part(sums["ranking.cold"])),
        }

    @cached_property
    def _of_positions(self) -> Mapping[str, "Figure"]:
        return {f"ctr[{i + 1}]": partial(_clicks, i, self.k) for i in range(self.k)}

    def metrics(self, sums: Mapping[str, Counts], seconds: float) -> Layers:
        """All figures of a window."""
        items = () if "ranking.exposure" not in sums else _OF_ITEMS  # (): of a slice
        return Layers(
            from_table(self._of_lists, sums),
            together(dict.fromkeys(items), lambda: self._of_items(sums["ranking.exposure"])),
            from_table(self._of_positions, sums),
        )

    def _of_items(self, exposure: Counts) -> dict[str, Measured]:
        shown, total = exposure[:-1], int(exposure.sum())
        if not total:
            return dict.fromkeys(_OF_ITEMS, Measured.absent(State.NO_DATA))
        head = np.argsort(-self.popularity[: self.listed], kind="stable")
        head = head[: max(round(HEAD * self.listed), 1)]
        gini = (
            Measured(figures.gini(shown), n=total)
            if shown.any()
            else Measured.absent(State.UNDEFINED, total)
        )
        found = (
            Measured(figures.coverage(shown), n=total),
            gini,
            share(shown[head].sum(), total),
            share(exposure[-1], total),
        )
        return dict(zip(_OF_ITEMS, found, strict=True))

    def warnings(self, sums: Mapping[str, Counts]) -> list[str]:
        """Of a catalogue that is larger than what is counted item by item."""
        if len(self.popularity) > self.listed:
            return [
                f"coverage and gini speak of the first {self.listed:,} of"
                f" {len(self.popularity):,} items"
            ]
        return []


_ONE = fixed(np.ones(1))[0]


def relevance(items: Items, actual: Items) -> tuple[NDArray[np.bool_], Counts]:
    """Which places hold an item that was chosen, bool (n, k), and how many items were, (n,).

    An item that a list shows twice counts at its first place, one that is chosen twice once.
    """
    chosen = np.sort(actual, axis=1)
    fresh = (chosen != NO_ITEM) & (np.diff(chosen, axis=1, prepend=NO_ITEM - 1) != 0)
    relevant = np.zeros(items.shape, np.bool_)
    for j in range(actual.shape[1]):
        found = (items == actual[:, j : j + 1]) & (items != NO_ITEM)
        relevant |= found & (np.cumsum(found, axis=1) == 1)
    return relevant, fresh.sum(axis=1)


def _quality(
    relevant: NDArray[np.bool_], chosen: Counts, told: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], Counts]:
    """Moments of the five figures, (n, 15); none for users who chose nothing."""
    values = np.full((len(_QUALITY), len(relevant)), np.nan)
    some, of = relevant[told], chosen[told]
    for row, found in zip(
        values,
        (
            figures.hit(some),
            figures.precision(some),
            figures.recall(some, of),
            figures.ndcg(some, of),
            figures.reciprocal_rank(some),
        ),
        strict=True,
    ):
        row[told] = found
    parts = [moments(row) for row in values]
    at = [place.astype(np.int64) + 3 * i for i, (place, _) in enumerate(parts)]
    return np.concatenate(at, axis=1), np.concatenate([amount for _, amount in parts], axis=1)


Figure = Callable[[Mapping[str, Counts]], Measured]


def _part(two: Counts) -> tuple[int, int]:
    """The second of two counts, and both."""
    return int(two[1]), int(two.sum())


def _labelled(sums: Mapping[str, Counts]) -> Measured:
    judged = int(sums["ranking.outcome"].sum())
    return count(judged, judged) if judged else Measured.absent(State.NO_DATA)


def _hit_rate(sums: Mapping[str, Counts]) -> Measured:
    hits = sums["ranking.quality"].reshape(-1, 3)[_QUALITY.index("hit")][1]
    return share(hits // int(_ONE), *_part(sums["ranking.outcome"]))


def _quality_of(name: str, sums: Mapping[str, Counts]) -> Measured:
    of = sums["ranking.quality"].reshape(-1, 3)[_QUALITY.index(name)]
    return _mean(of, int(sums["ranking.outcome"].sum()))


def _clicks(position: int, k: int, sums: Mapping[str, Counts]) -> Measured:
    shown, clicks = sums["ranking.positions"].reshape(2, k)[:, position].tolist()
    return share(clicks, shown, int(sums["ranking.outcome"].sum()))


def _mean(sums: Counts, judged: int) -> Measured:
    found = mean_of(sums)
    if found.state is State.NO_DATA and judged:
        return Measured.absent(State.UNDEFINED, judged)
    return _capped(found)


def _capped(found: Measured) -> Measured:
    """A mean of shares, whose interval ends at 1."""
    if found.upper is None or found.upper <= 1:
        return found
    return Measured(found.value, found.lower, max(1.0, float(found)), found.n)
