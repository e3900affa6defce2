"""Explanations of any model by sampling: columns by permutation SHAP, words by partition SHAP.

They add up by construction and are estimates of the Shapley values of the probability.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from timonel_serving.explainer.explanation import Explanation, Space, ranked

PERMUTATIONS = 5
"""Orders of the columns that are tried, each forwards and backwards."""
BACKGROUND_ROWS = 30
"""Background rows that each order is tried against."""
SEED = 0
WORD_EVALUATIONS = 400
"""Times that the model is asked about a text; a longer text is explained by groups of words."""
WORDS = r"\W+"
LEFT_OUT = " "


class SampledColumns:
    """Permutation SHAP over the columns of the table, against background rows.

    Columns are set one by one from a background row's values to the row's own, in random orders, each
    forwards and backwards (antithetic sampling: exact up to interactions of two columns). shap's own
    sampler does the same on numbers alone, and compiles for half a minute before its first answer.
    """

    name = "permutation-shap"
    space: Space = "probability"

    def __init__(self, pipeline: Any, background: pd.DataFrame) -> None:
        self._pipeline = pipeline
        self._background = background[:: -(-len(background) // BACKGROUND_ROWS)]
        self._width = background.shape[1]

    def explain(self, rows: Any, classes: NDArray[np.intp]) -> Sequence[Explanation]:
        """Explain the probability of each row's class."""
        values = rows.to_numpy(dtype=object)
        return [self._one(row, int(k)) for row, k in zip(values, classes, strict=True)]

    def _one(self, row: NDArray[np.object_], k: int) -> Explanation:
        orders = _orders(self._width)
        # after step s of an order, its first s columns have the row's values
        states = orders.argsort(axis=1)[:, None, :] < np.arange(self._width + 1)[None, :, None]
        p = self._mean_probability(row, states.reshape(-1, self._width), k)
        steps = np.diff(p.reshape(len(orders), -1), axis=1)
        values = np.array([steps[orders == column].mean() for column in range(self._width)])
        return Explanation(
            float(p[0]),
            float(p[self._width]),
            ranked([str(name) for name in self._background], values),
        )

    def _mean_probability(
        self, row: NDArray[np.object_], states: NDArray[np.bool_], k: int
    ) -> NDArray[np.float64]:
        """Over the background: the probability where the columns that are true have the row's values."""
        mixed = {
            name: np.where(states[:, j, None], row[j], column.to_numpy()).ravel()
            for j, (name, column) in enumerate(self._background.items())
        }
        frame = pd.DataFrame(mixed).astype(dict(self._background.dtypes))
        p = self._pipeline.predict_proba(frame)[:, k].astype(np.float64)
        means: NDArray[np.float64] = p.reshape(len(states), -1).mean(axis=1)
        return means


def _orders(width: int) -> NDArray[np.intp]:
    rng = np.random.default_rng(SEED)
    forwards = np.array([rng.permutation(width) for _ in range(PERMUTATIONS)], dtype=np.intp)
    return np.concatenate([forwards, forwards[:, ::-1]])


class SampledWords:
    """Partition SHAP over the words of a text, against the text with words left out."""

    name = "partition-shap"
    space: Space = "probability"

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def explain(self, rows: Any, classes: NDArray[np.intp]) -> Sequence[Explanation]:
        """Explain the probability of each text's class."""
        score = self._pipeline.predict_proba(rows)[np.arange(len(rows)), classes]
        return [
            self._one(str(text), int(k), p) for text, k, p in zip(rows, classes, score, strict=True)
        ]

    def _one(self, text: str, k: int, score: float) -> Explanation:
        def probability(texts: Any) -> Any:
            return self._pipeline.predict_proba(np.asarray(texts, dtype=object).ravel())[:, k]

        import shap  # half of the time that an explainer takes to start

        masker = shap.maskers.Text(WORDS, mask_token=LEFT_OUT, collapse_mask_token=True)
        explainer = shap.PartitionExplainer(probability, masker)
        e = explainer([text], max_evals=WORD_EVALUATIONS, silent=True)
        words: dict[str, float] = defaultdict(float)
        for word, value in zip(e.data[0], np.ravel(e.values[0]), strict=True):
            words[word.strip()] += float(value)
        parts = ranked(list(words), np.array(list(words.values())))
        return Explanation(float(np.ravel(e.base_values)[0]), float(score), parts)
