"""Predictions and labels as the metric packs count them; what cannot be used is counted under its reason."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.frames import to_arrow
from timonel.reference.catalogue import NO_ITEM, Catalogue
from timonel.reference.cells import numbers
from timonel.reference.classes import NO_CLASS, Classes

Array = NDArray[Any]

UNSEEN_PREDICTION = "prediction is none of the model's classes"
UNSEEN_LABEL = "label is none of the model's classes"
OTHER_LABEL = "label is none of the model's classes: counted as another one"
ODD_SCORE = "score is no probability"
MOST_CHOSEN = 20
"""Chosen items that count, a list."""


class OutcomeReader(Protocol):
    """Reads the predictions and labels of one task."""

    def predictions(
        self, prediction: Any, score: Any, rows: int, reasons: Counter[str]
    ) -> dict[str, Array]:
        """The packs' columns of these predictions: "null" (bool) and those of the task; None: not given."""
        ...

    def actuals(self, actual: Any, reasons: Counter[str]) -> tuple[Array, NDArray[np.bool_]]:
        """The packs' column "actual", and which rows have a label that can be used."""
        ...


@dataclass(frozen=True)
class BinaryOutcome:
    """A class of two, given as such or as the probability of the positive one."""

    classes: Classes
    threshold: float

    def predictions(
        self, prediction: Any, score: Any, rows: int, reasons: Counter[str]
    ) -> dict[str, Array]:
        """Columns predicted (1, 0, -1 for none), score (NaN for none), null.

        A prediction strictly between 0 and 1 is a probability, and decided by the threshold. Without
        predictions the scores are decided so.
        """
        probability = _scores(score, rows, reasons)
        if prediction is None:
            predicted = _decided(probability, self.threshold)
            return {"predicted": predicted, "score": probability, "null": predicted < 0}
        column = to_arrow(prediction)
        given = _fractions(column)
        codes = self.classes.codes(column)
        if given is not None:
            probability = np.where(np.isnan(probability), given, probability)
            codes = np.where(np.isnan(given), codes, _decided(given, self.threshold))
        unseen = codes == self.classes.unseen
        _count(reasons, UNSEEN_PREDICTION, unseen)
        predicted = np.where(unseen, NO_CLASS, codes).astype(np.int8)
        return {"predicted": predicted, "score": probability, "null": codes == NO_CLASS}

    def actuals(self, actual: Any, reasons: Counter[str]) -> tuple[Array, NDArray[np.bool_]]:
        """1, 0, -1 for none."""
        codes = self.classes.codes(actual)
        unseen = codes == self.classes.unseen
        _count(reasons, UNSEEN_LABEL, unseen)
        column = np.where(unseen, NO_CLASS, codes).astype(np.int8)
        return column, column >= 0


@dataclass(frozen=True)
class ClassOutcome:
    """One of several classes; a class that the model does not have is counted as one more."""

    classes: Classes

    def predictions(
        self, prediction: Any, score: Any, rows: int, reasons: Counter[str]
    ) -> dict[str, Array]:
        """Columns predicted (-1 for none), score (the confidence, NaN for none), null; entropy if known.

        A score is the probability of the predicted class, or the list of all classes' probabilities.
        """
        column = None if score is None else to_arrow(score)
        table = None if column is None else _probabilities(column, len(self.classes), rows)
        confidence = table.max(axis=1) if table is not None else _scores(score, rows, reasons)
        if prediction is None and table is not None:
            codes = np.where(np.isnan(confidence), NO_CLASS, np.argmax(table, axis=1))
        else:
            codes = self.classes.codes(pa.nulls(rows) if prediction is None else prediction)
        _count(reasons, UNSEEN_PREDICTION, codes == self.classes.unseen)
        columns: dict[str, Array] = {"predicted": codes.astype(np.int32), "score": confidence}
        return columns | _entropy(table) | {"null": codes == NO_CLASS}

    def actuals(self, actual: Any, reasons: Counter[str]) -> tuple[Array, NDArray[np.bool_]]:
        """The class, `classes.unseen` for one that the model does not have, -1 for none."""
        codes = self.classes.codes(actual)
        _count(reasons, OTHER_LABEL, codes == self.classes.unseen)
        return codes, codes >= 0


@dataclass(frozen=True)
class ListOutcome:
    """A list of items, the best first; what was chosen is one item or several."""

    catalogue: Catalogue
    k: int

    def predictions(
        self, prediction: Any, score: Any, rows: int, reasons: Counter[str]
    ) -> dict[str, Array]:
        """Columns items (rows, k) and null: no list, or an empty one. Scores are of no use here."""
        given = pa.nulls(rows) if prediction is None else prediction
        items, _ = self.catalogue.codes(given, self.k)
        return {"items": items, "null": items[:, 0] == NO_ITEM}

    def actuals(self, actual: Any, reasons: Counter[str]) -> tuple[Array, NDArray[np.bool_]]:
        """Codes (rows, MOST_CHOSEN); a row with an empty list has a label: nothing was chosen."""
        codes, labelled = self.catalogue.codes(actual, MOST_CHOSEN)
        return codes, labelled


def _scores(score: Any, rows: int, reasons: Counter[str]) -> NDArray[np.float64]:
    if score is None:
        return np.full(rows, np.nan)
    values = numbers(score)
    odd = ~np.isnan(values) & ~((values >= 0) & (values <= 1))
    _count(reasons, ODD_SCORE, odd)
    return np.where(odd, np.nan, values)


def _fractions(column: pa.Array) -> NDArray[np.float64] | None:
    """The values strictly between 0 and 1, NaN elsewhere; None for a column that can hold none."""
    if not pa.types.is_floating(column.type):
        return None
    values = numbers(column)
    return np.where((values > 0) & (values < 1), values, np.nan)


def _decided(probability: NDArray[np.float64], threshold: float) -> NDArray[np.int8]:
    decided = (probability >= threshold).astype(np.int8)
    return np.where(np.isnan(probability), np.int8(NO_CLASS), decided)


def _probabilities(column: pa.Array, k: int, rows: int) -> NDArray[np.float64] | None:
    """Lists of k probabilities as (rows, k); NaN in a row that has not k of them."""
    kinds = pa.types
    if not (kinds.is_list(column.type) or kinds.is_fixed_size_list(column.type)):
        return None
    table = np.full((rows, k), np.nan)
    for i, values in enumerate(column.to_pylist()):
        if values is not None and len(values) == k and all(isinstance(v, float) for v in values):
            table[i] = values
    return table


def _entropy(table: NDArray[np.float64] | None) -> dict[str, Array]:
    if table is None:
        return {}
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(table > 0, -table * np.log(table), np.where(np.isnan(table), np.nan, 0.0))
    return {"entropy": parts.sum(axis=1)}


def _count(reasons: Counter[str], reason: str, rows: NDArray[np.bool_]) -> None:
    found = int(rows.sum())
    if found:
        reasons[reason] += found
