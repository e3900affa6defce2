"""A guard against clocks that run ahead: one event from the future must not age all others."""

import numpy as np
from numpy.typing import NDArray

CONFIRMED_BY = 20
"""As many events beyond a jump confirm it: traffic was away, and has come back."""
MOST_HELD = 10_000


class AheadGuard:
    """Says which events are believed, by their times alone.

    Time may pass in steps of at most `max_ahead` (microseconds). Events beyond such a step are held back
    until CONFIRMED_BY of them have come; then the jump is believed and all of them count.
    """

    def __init__(self, max_ahead: int) -> None:
        self._max_ahead = max_ahead
        self.newest = -1
        """The newest time believed; -1 before the first event."""

    def admit(self, times: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these events are believed now; ask again for the others with those that come next."""
        beyond = np.sort(times[times > self.newest])
        if not len(beyond):
            return np.ones(len(times), dtype=bool)
        before = beyond[:1] if self.newest < 0 else np.array([self.newest])
        jumps = np.flatnonzero(np.diff(np.concatenate([before, beyond])) > self._max_ahead)
        doubted = jumps[jumps > len(beyond) - CONFIRMED_BY]
        believed = beyond[: int(doubted[0])] if len(doubted) else beyond
        self.newest = max(self.newest, int(believed[-1])) if len(believed) else self.newest
        return np.asarray(times <= self.newest)
