"""What the scan reads: counts of 15-minute windows, in the reference's bins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.errors import BadInput
from timonel.reference.bins import CELLS, Bins

Counts = NDArray[np.int32]
Times = NDArray[np.int64]

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WINDOW = 15 * MINUTE
"""The width of a window, in microseconds."""
SLOTS = 48
"""Hours of the day (UTC), on weekdays and at weekends."""
WINDOWS_A_SLOT = HOUR // WINDOW


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The counts of one window.

    The counts of a start that the scan knows already replace the former ones, so that a window may be sent
    twice, or again when late rows have come.
    """

    time: int
    """Its start: microseconds since 1970 UTC, a multiple of 15 minutes."""
    counts: Counts
    """(F, 42); a row of zeros: nothing is known of this feature."""
    features: tuple[str, ...] | None = None
    """The names of the rows; None: those of the scan, in its order."""

    def __post_init__(self) -> None:
        _check_times(np.array([self.time], dtype=np.int64))
        rows = len(self.features) if self.features is not None else None
        _check_counts(self.counts, (rows, CELLS))


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """T windows in any order; those that are missing had no traffic or were not kept."""

    time: Times
    """(T,) starts; of equal ones the last counts."""
    counts: Counts
    """(T, F, 42)"""
    bins: tuple[Bins, ...]
    """F; any number that has bins can be a feature: the scores of the model, too."""

    def __post_init__(self) -> None:
        _check_times(self.time)
        _check_counts(self.counts, (len(self.time), len(self.bins), CELLS))
        names = self.features
        if len(set(names)) < len(names):
            raise BadInput(f"the features {list(names)} are not unique, expected a name for each")

    @property
    def features(self) -> tuple[str, ...]:
        """The features' names."""
        return tuple(b.name for b in self.bins)

    @property
    def days(self) -> float:
        """From the first window to the last."""
        return float(np.ptp(self.time) + WINDOW) / DAY if len(self.time) else 0.0

    def ordered(self) -> "History":
        """The windows by time, each start once."""
        if len(self.time) < 2 or (np.diff(self.time) > 0).all():
            return self
        _, last = np.unique(self.time[::-1], return_index=True)
        return self.take(len(self.time) - 1 - last)

    def take(self, at: NDArray[Any] | slice) -> "History":
        """Some of the windows, by position or mask."""
        return History(self.time[at], self.counts[at], self.bins)

    def __getitem__(self, at: int) -> Window:
        """One window."""
        return Window(int(self.time[at]), self.counts[at], self.features)


def slots(time: Times) -> NDArray[np.intp]:
    """The slot of each instant: its hour, 24 more at weekends (UTC)."""
    weekday = (time // DAY + 3) % 7  # 1970 began on a Thursday
    return np.asarray((time % DAY) // HOUR + 24 * (weekday >= 5), dtype=np.intp)


def weeks(time: Times) -> NDArray[np.intp]:
    """The week of each instant, from the first one; a rest of less than a week belongs to the last."""
    if not len(time):
        return np.zeros(0, dtype=np.intp)
    whole = max(1, int((np.ptp(time) + WINDOW) // (7 * DAY)))
    return np.asarray(np.minimum((time - time.min()) // (7 * DAY), whole - 1), dtype=np.intp)


def _check_times(time: Times) -> None:
    off = time % WINDOW != 0
    if off.any():
        raise BadInput(
            f"a window starts at {int(time[off][0])} us, expected a multiple of 15 minutes",
            fix="count rows by time // windows.WINDOW * windows.WINDOW",
        )


def _check_counts(counts: Counts, shape: Sequence[int | None]) -> None:
    fits = counts.ndim == len(shape) and all(
        expected in (None, found) for found, expected in zip(counts.shape, shape, strict=True)
    )
    if not fits or counts.dtype.kind not in "iu":
        wanted = ", ".join("F" if size is None else str(size) for size in shape)
        raise BadInput(
            f"counts are {counts.dtype} of shape {counts.shape}, expected integers ({wanted})"
        )
    if counts.size and counts.min() < 0:
        raise BadInput(f"a count is {counts.min()}, expected 0 or more")
