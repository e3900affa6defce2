"""The reference of each slot: what traffic at this hour, on a weekday or at a weekend, looks like."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.windows import SLOTS, History, Times, slots

Tallies = NDArray[np.int64]

LEAST_SLOT_ROWS = 200
"""A slot with fewer rows of a feature borrows the hour of the other days, or else all hours."""


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """Reference counts: (48, F, 42) by slot, or (1, F, 42) for all hours alike."""

    counts: Tallies

    @property
    def plain(self) -> bool:
        """Whether it knows no seasons."""
        return len(self.counts) == 1

    def at(self, time: Times) -> NDArray[np.intp]:
        """Which of the references is that of each window."""
        return np.zeros(len(time), dtype=np.intp) if self.plain else slots(time)


def by_slot(history: History) -> Tallies:
    """The counts of each slot, (48, F, 42)."""
    sums = np.zeros((SLOTS, *history.counts.shape[1:]), dtype=np.int64)
    at = slots(history.time)
    for slot in np.unique(at):
        sums[slot] = history.counts[at == slot].sum(0, dtype=np.int64)
    return sums


def filled(counts: Tallies) -> Tallies:
    """Slots with too few rows of a feature, filled from wider ones."""
    wide = counts.sum(0)
    hours = counts.reshape(2, SLOTS // 2, *counts.shape[1:]).sum(0)
    hourly = np.where(_enough(hours), hours, wide)
    return np.where(_enough(counts), counts, np.concatenate([hourly, hourly]))


def _enough(counts: Tallies) -> NDArray[Any]:
    return np.asarray(counts.sum(-1, keepdims=True) >= LEAST_SLOT_ROWS)
