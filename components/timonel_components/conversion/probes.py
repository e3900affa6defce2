"""Rows that two implementations of a model are most likely to disagree on."""

import numpy as np
from numpy.typing import NDArray

from timonel.contract import MISSING, DataContract, FeatureBatch

MAX_ROWS = 5_000
"""Real rows that are compared at most: spread evenly over those given."""
SEEDS = 16
"""Real rows that each kind of unusual value is put into."""
TEXTS = (
    "",
    " ",
    "\t\n",
    "Ça coûte 12,50 € à l'Élysée, naïve façade",
    "GRÖSSE straße İstanbul ǅ ﬁn",
    "価格は三千円です。今すぐ無料",
    "무료 쿠폰 받기 免费 领取",
    "Привет, БЕСПЛАТНО только сегодня",
    "snake_case __dunder__ a_1 _",
    "0 1 23 456 007 ٣٤٥",
    "!!! $$$ --- ...",
    "x" * 5000,
    "e\u0301 combining, zero\u200bwidth, nb\u00a0space",
    "🙂 emoji 👩‍💻 ok",
)


def probe_rows(rows: FeatureBatch, contract: DataContract) -> FeatureBatch:
    """Real rows, then rows with missing, unseen and extreme values, column by column."""
    real = rows[np.linspace(0, len(rows) - 1, min(len(rows), MAX_ROWS)).astype(int)]
    seeds = real[: min(SEEDS, len(real))]
    unusual = [*_numbers(seeds, contract), *_categories(seeds, contract), *_texts(seeds, contract)]
    return _joined([real, *unusual])


def _numbers(seeds: FeatureBatch, contract: DataContract) -> list[FeatureBatch]:
    found = []
    for j, column in enumerate(contract.numeric):
        low, high = column.minimum or 0.0, column.maximum or 1.0
        reach = 1e3 * max(high - low, 1.0)
        for value in (np.nan, 0.0, low, high, low - reach, high + reach):
            numeric = seeds.numeric.copy()
            numeric[:, j] = value
            found.append(FeatureBatch(numeric, seeds.categorical, seeds.text))
    return found


def _categories(seeds: FeatureBatch, contract: DataContract) -> list[FeatureBatch]:
    found = []
    for j in range(len(contract.categorical)):
        for value in (MISSING, "never seen", "ÿ 未知"):
            categorical = seeds.categorical.copy()
            categorical[:, j] = value
            found.append(FeatureBatch(seeds.numeric, categorical, seeds.text))
    return found


def _texts(seeds: FeatureBatch, contract: DataContract) -> list[FeatureBatch]:
    if not contract.text:
        return []
    words: list[str] = [*TEXTS, *(f"{seeds.text[0, 0]} {text}" for text in TEXTS)]
    text: NDArray[np.object_] = np.array([[w] * len(contract.text) for w in words], dtype=object)
    numeric = np.repeat(seeds.numeric[:1], len(words), axis=0)
    return [FeatureBatch(numeric, np.repeat(seeds.categorical[:1], len(words), axis=0), text)]


def _joined(batches: list[FeatureBatch]) -> FeatureBatch:
    return FeatureBatch(
        np.concatenate([b.numeric for b in batches]),
        np.concatenate([b.categorical for b in batches]),
        np.concatenate([b.text for b in batches]),
    )
