"""Approval bias: what can be told where the action suppresses labels, as blocking a payment does.

The label of a blocked row never comes, so that labelled rows are no sample of all. A share of the rows
predicted positive is let through at random, marked `explored`: each of them stands for 1 / share rows
(Horvitz and Thompson 1952).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.performance.intervals import LEAST_SUPPORT, wilson
from timonel.windows.events import Array

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

NULL, NEGATIVE, POSITIVE = range(3)
"""Predictions as the counters have them: the column `predicted` + 1."""

FREE, EXPLORED, BLOCKED = 0, 1, -1
"""Groups of rows: labels come by themselves; come because the row was explored; must not be used."""


@dataclass(frozen=True)
class Selection:
    """Which rows' labels can be used, and how much they count."""

    suppressed: bool
    rate: float | None
    """The share explored of the rows predicted positive; None: as it is in the window."""

    @property
    def groups(self) -> int:
        """How many groups are counted apart."""
        return 2 if self.suppressed else 1

    def group(self, columns: Mapping[str, Array]) -> NDArray[np.int8]:
        """The group of each row."""
        positive = columns["predicted"] == 1
        if not self.suppressed:
            return np.zeros(len(positive), np.int8)
        return np.where(positive, np.where(explored(columns), EXPLORED, BLOCKED), FREE).astype(
            np.int8
        )

    def weight(self, predicted: Counts) -> tuple[float, ...]:
        """How much a row of each group counts, by all predictions (2, 3) of the window."""
        if not self.suppressed:
            return (1.0,)
        let_through, positives = int(predicted[1, POSITIVE]), int(predicted[:, POSITIVE].sum())
        rate = self.rate or (let_through / positives if let_through else 1.0)
        return (1.0, 1.0 / rate)

    def known(self, predicted: Counts, confusion: Counts) -> bool:
        """Whether quality can be told: positives were explored, or there were none to block."""
        if not self.suppressed or not predicted[:, POSITIVE].sum():
            return True
        return bool(confusion[1, :, POSITIVE].sum())

    def usable(self, confusion: Counts) -> tuple[int, int, int, int]:
        """What may be used of the confusion counts (2, 2, 3: explored, actual, predicted): tn, fp, fn, tp.

        A negative counts with the weight of the first group, a positive with that of the last.
        """
        _, tn, fp, _, fn, tp, _, let_tn, let_fp, _, let_fn, let_tp = confusion.ravel().tolist()
        if self.suppressed:
            fp = tp = 0
        return tn + let_tn, fp + let_fp, fn + let_fn, tp + let_tp


def explored(columns: Mapping[str, Array]) -> Any:
    """Which rows were let through at random; none where the column is absent."""
    return columns.get("explored", np.zeros(len(columns["predicted"]), np.bool_))


def selection_warnings(selection: Selection, predicted: Counts, confusion: Counts) -> list[str]:
    """What the reader of quality metrics must know about which labels there are.

    Args:
        selection: what is told of the suppression.
        predicted: all predictions, (2, 3): explored, predicted.
        confusion: those with their outcome, (2, 2, 3): explored, actual, predicted.
    """
    if not selection.suppressed:
        return _unsaid(predicted[:, POSITIVE].sum(), predicted[:, NEGATIVE].sum(), confusion)
    positives, let_through = predicted[:, POSITIVE].sum(), predicted[1, POSITIVE].sum()
    judged = int(confusion[1, :, POSITIVE].sum())
    if positives and not judged:
        return [
            f"the labels of {positives:,} rows predicted positive are suppressed and none of them was"
            " explored: precision, recall and the like cannot be told without bias; let a random share"
            " through and mark it `explored`"
        ]
    found = [f"quality rests on {judged:,} explored rows"] if 0 < judged < LEAST_SUPPORT * 3 else []
    if selection.rate is None or positives < LEAST_SUPPORT:
        return found
    share = let_through / positives
    lower, upper = wilson(share, share * (1 - share) / positives, positives)
    if not lower <= selection.rate <= upper:
        found.append(
            f"{share:.2%} of the rows predicted positive were explored, expected {selection.rate:.2%}:"
            " recall and base rate are off by as much"
        )
    return found


def _unsaid(positives: int, negatives: int, confusion: Counts) -> list[str]:
    """Labels that are much rarer where the prediction is positive look suppressed."""
    judged = confusion.sum(axis=(0, 1))
    if min(positives, negatives) < 5 * LEAST_SUPPORT:
        return []
    if judged[POSITIVE] / positives < 0.2 * judged[NEGATIVE] / negatives:
        return [
            f"{judged[POSITIVE] / positives:.1%} of the rows predicted positive have a label, and"
            f" {judged[NEGATIVE] / negatives:.1%} of the others: if the action suppresses labels, set"
            ' suppressed to "positive" and let a random share through, marked `explored`'
        ]
    return []
