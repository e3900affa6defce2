"""How uncertain a mean over a log is: rows of one day are alike, so days are drawn, not rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.loss import Floats
from timonel.performance.value import Measured, State

Ints = NDArray[np.int64]

DAY = 86_400_000_000
TIMES = 300
LEAST_DAYS = 7
"""With fewer days on a side, its rows are cut in PIECES of equal number instead."""
PIECES = 12
LIMIT = 9.99
"""A share of a change that is nearly nothing is no larger than this."""


def blocks_of(time: Ints) -> Ints:
    """The block of each row; rows stand in order of time (microseconds)."""
    day = time // DAY
    numbers: Ints = np.unique(day, return_inverse=True)[1].astype(np.int64)
    if len(time) and numbers[-1] + 1 >= LEAST_DAYS:
        return numbers
    pieces = max(1, min(PIECES, len(time) // 5))
    return np.arange(len(time), dtype=np.int64) * pieces // max(1, len(time))


@dataclass(frozen=True, eq=False)
class Resamples:
    """The same resamples of a side for every mean over it; the first is the rows as they are."""

    block: Ints
    weights: Floats
    """(1 + TIMES, blocks)."""

    @classmethod
    def draw(cls, time: Ints, rng: np.random.Generator) -> "Resamples":
        """Draw blocks with replacement."""
        block = blocks_of(time)
        count = int(block[-1]) + 1 if len(block) else 1
        drawn = rng.multinomial(count, np.full(count, 1 / count), TIMES)
        return cls(block, np.vstack([np.ones(count), drawn]).astype(np.float64))

    def means(self, values: Floats, weight: Floats | None = None) -> Floats:
        """(1 + TIMES,): the (weighted) mean of one value a row, in each resample."""
        w = np.ones(len(values)) if weight is None else weight
        count = self.weights.shape[1]
        total = self.weights @ np.bincount(self.block, values * w, count)
        size = self.weights @ np.bincount(self.block, w, count)
        return np.asarray(total / np.where(size > 0, size, 1.0))


def measured(values: Floats, n: int) -> Measured:
    """The value on the rows as they are, with the interval that the resamples give."""
    if not n or not np.isfinite(values[0]):
        return Measured.absent(State.NO_DATA, n)
    low, high = np.quantile(values[1:], [0.025, 0.975])
    # an interval that misses its own value would be the resamples' bias, not the rows' doubt
    return Measured(
        float(values[0]), min(float(low), float(values[0])), max(float(high), float(values[0])), n
    )


def share_of(part: Floats, whole: Floats, n: int) -> Measured:
    """A part as a fraction of the whole, resample by resample."""
    safe = np.where(np.abs(whole) > 1e-9, whole, np.copysign(1e-9, whole))
    return measured(np.clip(part / safe, -LIMIT, LIMIT), n)


def clear(values: Floats) -> float:
    """How many standard errors the value is from 0."""
    spread = float(np.std(values[1:]))
    if spread > 0:
        return float(values[0]) / spread
    return float(np.copysign(np.inf, values[0])) if values[0] else 0.0
