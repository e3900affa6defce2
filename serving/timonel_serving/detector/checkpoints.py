"""From which position on a restart has to read, to know duplicates and what belongs together."""

from bisect import bisect_right

_GRAIN = 64
"""Places kept for each length of the horizon."""


class Checkpoints:
    """Places in the spool, and what time it was there."""

    def __init__(self, horizon: int) -> None:
        """`horizon`: microseconds before a position that are read again."""
        self._horizon = horizon
        self._positions: list[int] = []
        self._times: list[int] = []

    def note(self, position: int, time: int) -> None:
        """All before a position came at this time at the latest; both never fall."""
        if not self._times or time - self._times[-1] >= self._horizon // _GRAIN:
            self._positions.append(position)
            self._times.append(time)

    def before(self, mark: int) -> int | None:
        """What can be let go when all up to a mark is delivered: what lies before the position returned.

        Asked with marks that rise; None: nothing yet.
        """
        at = bisect_right(self._positions, mark) - 1
        if at < 0:
            return None
        found = bisect_right(self._times, self._times[at] - self._horizon) - 1
        if found < 0:
            return None
        del self._positions[:found], self._times[:found]
        return self._positions[0]
