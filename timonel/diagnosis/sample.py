"""The labelled rows on which the loss is divided: scores, outcomes, codes, and what is left to explain."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.columns import Column
from timonel.diagnosis.loss import Floats, log_loss
from timonel.diagnosis.sides import Sides

Bools = NDArray[np.bool_]
Codes = NDArray[np.uint8]


def dispersion(values: Floats, block: NDArray[np.int64]) -> float:
    """The variance of block means as a multiple of what independent rows would have; 1 at least."""
    n = np.bincount(block)
    if len(n) < 3 or not n.min():
        return 1.0
    means = np.bincount(block, values) / n
    expected = np.var(values)
    if expected <= 0:
        return 1.0
    return max(1.0, float(np.sum(n * (means - values.mean()) ** 2) / (len(n) - 1) / expected))


@dataclass(frozen=True, eq=False)
class Sample:
    """Labelled rows of both sides. Scores are those that the repairs so far give."""

    sides: Sides
    columns: tuple[Column, ...]
    before: Floats
    """Scores of the reference rows."""
    now: Floats
    """Scores of the current rows; repaired as far as the steps got."""
    keep: Bools
    """Current rows that are not known to be broken."""
    change: Floats
    """(1 + TIMES,): the whole change in mean loss."""
    left: Floats
    """(1 + TIMES,): what no step has claimed yet."""
    weight: Floats
    """Of each reference row, with mean 1: how much of it is in the mix of classes of now, as far as known."""

    @classmethod
    def of(cls, sides: Sides, columns: tuple[Column, ...]) -> "Sample":
        """Labelled, scored rows as they are logged."""
        before, now = sides.reference.score, sides.current.score
        losses = [log_loss(side.outcome, side.score) for side in (sides.reference, sides.current)]
        change = sides.now.means(losses[1]) - sides.before.means(losses[0])
        keep = np.ones(len(now), dtype=np.bool_)
        return cls(sides, columns, before, now, keep, change, change, np.ones(len(before)))

    @property
    def lost_before(self) -> Floats:
        """The loss of each reference row."""
        return log_loss(self.sides.reference.outcome, self.before)

    @property
    def lost_now(self) -> Floats:
        """The loss of each current row with its score as repaired."""
        return log_loss(self.sides.current.outcome, self.now)

    def expected(self, values: Floats, weight: Floats | None = None) -> Floats:
        """(1 + TIMES,): the mean of a value over the reference rows, in the mix of classes of now."""
        return self.sides.before.means(values, self.weight if weight is None else weight)

    def actual(self, values: Floats, weight: Floats | None = None) -> Floats:
        """(1 + TIMES,): the mean of a value over the current rows that are not broken."""
        keep = self.keep.astype(np.float64)
        return self.sides.now.means(values, keep if weight is None else keep * weight)

    def sure(self, before: Floats, now: Floats, value: Floats) -> float:
        """How many standard errors a mean's rise is from 0, if rows are as independent as the reference's.

        What goes on and off from day to day would hide itself in the resamples of days.
        """
        keep = self.keep
        usual = dispersion(before, self.sides.before.block)
        error = np.var(before) / max(1, len(before)) + np.var(now[keep]) / max(1, int(keep.sum()))
        return float(value[0]) / float(np.sqrt(max(error * usual, 1e-18)))

    def column(self, name: str) -> Column:
        """A column by its name."""
        return next(c for c in self.columns if c.name == name)

    def without(self, part: Floats) -> "Sample":
        """A part has been claimed."""
        return replace(self, left=self.left - part)

    def codes(self) -> tuple[Codes, Codes, Bools]:
        """(n, columns) bins of both sides, and which columns are categories."""
        pairs = [column.codes() for column in self.columns]
        shape = (len(self.before), 0), (len(self.now), 0)
        before = np.stack([a for a, _ in pairs], axis=1) if pairs else np.zeros(shape[0], np.uint8)
        now = np.stack([b for _, b in pairs], axis=1) if pairs else np.zeros(shape[1], np.uint8)
        return before, now, np.array([not c.numeric for c in self.columns], dtype=np.bool_)
