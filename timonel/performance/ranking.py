"""Figures of ranked lists: how good they are for whom they were made, and what they do to the items.

Everything is an array over n lists of k places, the best place first. `relevant` bool (n, k): whether
the item at a place is one that the user went on to choose. `n_relevant` int (n,): how many items the
user chose, in the list or not. `items` int (n, k): codes from 0 to the catalogue's size less one;
`NO_ITEM` marks the places of a list that is shorter than k, and is never relevant.

Quality, a value a list (n,): `hit`, `precision`, `recall`, `ndcg`, `reciprocal_rank`; their means are
hit rate, precision@k, recall@k, nDCG@k and MRR. They ask for one relevant item at least: a user who
chose nothing says nothing about a list (`ValueError`).
Beyond quality: `novelty`, `intra_list_diversity` (n,); `coverage`, `gini` of all lists together.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_ITEM = -1
"""The code of a place that holds no item."""


def hit(relevant: Flags) -> Floats:
    """1 where any item is relevant, else 0; the mean is the hit rate."""
    return np.asarray(relevant.any(axis=1), dtype=np.float64)


def precision(relevant: Flags) -> Floats:
    """The share of the k places that hold a relevant item; an empty place counts as a miss."""
    return np.asarray(relevant.mean(axis=1), dtype=np.float64)


def recall(relevant: Flags, n_relevant: Ints) -> Floats:
    """The share of the user's relevant items that the list holds."""
    _check(relevant, n_relevant)
    return np.asarray(relevant.sum(axis=1) / n_relevant, dtype=np.float64)


def ndcg(relevant: Flags, n_relevant: Ints) -> Floats:
    """Discounted gain over that of the best list of k: Järvelin and Kekäläinen (2002), binary gains.

    The gain of place i, from 1, is 1 / log2(i + 1), as in scikit-learn's `ndcg_score`.
    """
    _check(relevant, n_relevant)
    k = relevant.shape[1]
    gain = 1 / np.log2(np.arange(2, k + 2))
    best = np.cumsum(gain)[np.minimum(n_relevant, k) - 1]
    return np.asarray(relevant @ gain / best, dtype=np.float64)


def reciprocal_rank(relevant: Flags) -> Floats:
    """1 / the place of the first relevant item, 0 if there is none; the mean is MRR (Voorhees 1999)."""
    return np.where(relevant.any(axis=1), 1 / (relevant.argmax(axis=1) + 1), 0.0)


def rate_by_position(relevant: Flags) -> Floats:
    """The share of lists whose item at each place is relevant, (k,): the click rate by position."""
    if not len(relevant):
        raise ValueError("there are no lists")
    return np.asarray(relevant.mean(axis=0), dtype=np.float64)


def exposure(items: Ints, n_items: int) -> Ints:
    """How many lists show each item of the catalogue, (n_items,)."""
    shown = items[items != NO_ITEM]
    if shown.size and (shown.min() < 0 or shown.max() >= n_items):
        raise ValueError(f"item codes are {shown.min()} to {shown.max()}, of {n_items} items")
    return np.bincount(shown, minlength=n_items)


def coverage(shown: Ints) -> float:
    """The share of the catalogue that any list shows, from its `exposure`."""
    return float((_catalogue(shown) > 0).mean())


def gini(shown: Ints) -> float:
    """Inequality of the `exposure`, items never shown included.

    0: all items are shown as often; 1 - 1/n: one of n items takes every place. Gini (1912), in the
    form of a sum over the sorted counts.
    """
    counts = np.sort(_catalogue(shown)).astype(np.float64)
    n, total = len(counts), counts.sum()
    if not total:
        raise ValueError("no item is shown: its inequality is undefined")
    return float(2 * (np.arange(1, n + 1) @ counts) / (n * total) - (n + 1) / n)


def self_information(interactions: Ints) -> Floats:
    """The surprise of each item in bits, -log2 of its share of past interactions, (n_items,).

    One is added to each count (Laplace), so that an item nobody chose yet has a finite surprise.
    """
    counts = _catalogue(interactions).astype(np.float64) + 1
    return np.asarray(-np.log2(counts / counts.sum()), dtype=np.float64)


def novelty(items: Ints, information: Floats) -> Floats:
    """The mean `self_information` of each list's items: Zhou et al. (2010); a list needs an item."""
    present = items != NO_ITEM
    if not present.any(axis=1).all():
        raise ValueError("a list without an item has no novelty")
    total = np.where(present, information[items], 0.0).sum(axis=1)
    return np.asarray(total / present.sum(axis=1), dtype=np.float64)


def intra_list_diversity(items: Ints, group: Ints) -> Floats:
    """The share of pairs in each list whose items are of different groups, such as categories.

    Smyth and McClave (2001) with the similarity "of one group". `group` (n_items,); a list needs two
    items.
    """
    present = items != NO_ITEM
    size = present.sum(axis=1)
    if (size < 2).any():
        raise ValueError("a list of fewer than two items has no pairs")
    of = group[items]
    differ = of[:, :, None] != of[:, None, :]
    both = present[:, :, None] & present[:, None, :]
    return np.asarray((differ & both).sum(axis=(1, 2)) / (size * (size - 1)), dtype=np.float64)


def cold_start_share(cold: Flags) -> float:
    """The share of lists made for users (n,) of whom nothing was known."""
    if not len(cold):
        raise ValueError("there are no lists")
    return float(cold.mean())


def _check(relevant: Flags, n_relevant: Ints) -> None:
    if (n_relevant < 1).any():
        raise ValueError("leave out the lists of users without a relevant item")
    if (relevant.sum(axis=1) > n_relevant).any():
        raise ValueError(
            "a list holds more relevant items than its user has: an item is in it twice"
        )


def _catalogue(counts: Ints) -> Ints:
    if not len(counts):
        raise ValueError("the catalogue has no items")
    return counts
