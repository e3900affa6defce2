"""Explanations of any model by sampling: columns by permutation SHAP, words by partition SHAP.

They add up by construction and are estimates of the Shapley values of the probability.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shap
from numpy.typing import NDArray

from timonel_serving.explanation import Explanation, Space, ranked

PERMUTATIONS = 5
"""Orders of the columns that are tried, each forwards and backwards."""
SEED = 0
WORD_EVALUATIONS = 400
"""Times that the model is asked about a text; a longer text is explained by groups of words."""
WORDS = r"\W+"
LEFT_OUT = " "


class SampledColumns:
    """Permutation SHAP over the columns of the table, against background rows."""

    name = "permutation-shap"
    space: Space = "probability"

    def __init__(self, pipeline: Any, background: pd.DataFrame) -> None:
        self._pipeline, self._background = pipeline, background

    def explain(self, rows: Any, classes: NDArray[np.intp]) -> Sequence[Explanation]:
        """Explain the probability of each row's class."""
        codes = _Codes(self._background, rows)
        masker = shap.maskers.Independent(codes.background, max_samples=len(self._background))
        evaluations = PERMUTATIONS * (2 * rows.shape[1] + 1)
        score = self._pipeline.predict_proba(rows)[np.arange(len(rows)), classes]
        found = []
        for i, k in enumerate(classes):
            # one explainer a row: it seeds the permutations, so that a row's answer is its own
            explainer = shap.PermutationExplainer(self._probability(codes, k), masker, seed=SEED)
            e = explainer(codes.rows[i : i + 1], max_evals=evaluations, silent=True)
            parts = ranked(list(rows.columns), e.values[0])
            found.append(Explanation(float(np.ravel(e.base_values)[0]), float(score[i]), parts))
        return found

    def _probability(self, codes: "_Codes", k: int) -> Any:
        return lambda x: self._pipeline.predict_proba(codes.decode(x))[:, k]


class _Codes:
    """Rows as numbers, which is all that the sampler can mix: words become their place in a list."""

    def __init__(self, background: pd.DataFrame, rows: pd.DataFrame) -> None:
        both = pd.concat([background, rows])
        self._words = {c: np.unique(both[c].astype(str)) for c in both if both[c].dtype == object}
        self._types = background.dtypes
        self.background, self.rows = self._encode(background), self._encode(rows)

    def _encode(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        columns = [
            np.searchsorted(self._words[c], frame[c].astype(str)) if c in self._words else frame[c]
            for c in frame
        ]
        return np.column_stack(columns).astype(np.float64)

    def decode(self, x: NDArray[np.float64]) -> pd.DataFrame:
        columns = {
            name: self._words[name][x[:, j].astype(int)].astype(object)
            if name in self._words
            else x[:, j].astype(dtype)
            for j, (name, dtype) in enumerate(self._types.items())
        }
        return pd.DataFrame(columns)


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

        masker = shap.maskers.Text(WORDS, mask_token=LEFT_OUT, collapse_mask_token=True)
        explainer = shap.PartitionExplainer(probability, masker)
        e = explainer([text], max_evals=WORD_EVALUATIONS, silent=True)
        words: dict[str, float] = defaultdict(float)
        for word, value in zip(e.data[0], np.ravel(e.values[0]), strict=True):
            words[word.strip()] += float(value)
        parts = ranked(list(words), np.array(list(words.values())))
        return Explanation(float(np.ravel(e.base_values)[0]), float(score), parts)
