"""A guard against clocks that run ahead: an event from the future must not age all others."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONFIRMED_BY = 20
"""As many events beyond a jump confirm it: traffic was away, and has come back."""

Times = NDArray[np.int64]


class AheadGuard:
    """Says which events are believed, by their times and the order in which they come.

    Time may pass in steps of at most `max_ahead` microseconds, or of what CONFIRMED_BY events take to come
    on average. An event beyond is held back until as many have come; a jump so long that all before it
    would expire is believed only if, besides, most of what came since lies beyond it: a date far in the
    future that stands for "none" never is.
    """

    def __init__(self, max_ahead: int, retention: int) -> None:
        self._max_ahead, self._retention = max_ahead, retention
        self.newest = -1
        """The newest time believed; -1 before the first event."""
        self.held: Times = np.empty(0, np.int64)
        """The times of the events that are held back, ascending."""
        self._begun = 0
        self._count = 0
        """Events believed so far; the time of the first of them in `_begun`."""
        self._since = 0
        """Events believed since the first of those that are held back."""

    def admit(self, times: Times) -> NDArray[np.bool_]:
        """Which of these events are believed. Those held before are once `newest` has reached them."""
        if not len(times) and not len(self.held):
            return np.empty(0, np.bool_)
        if self.newest < 0:
            self._begin(np.sort(times[:CONFIRMED_BY]))
        beyond = np.sort(np.concatenate([self.held, times[times > self.newest]]))
        gaps = np.diff(beyond, prepend=self.newest)
        jumps = np.flatnonzero(gaps > self._step())
        if len(jumps):
            self._since += self._on_time(times, int(beyond[jumps[0]]))
        ahead = len(beyond) - jumps
        plausible = (gaps[jumps] <= self._retention) | (ahead > self._since)
        doubted = jumps[(ahead < CONFIRMED_BY) | ~plausible]
        self._advance(beyond, int(doubted[0]) if len(doubted) else len(beyond), len(times))
        return np.asarray(times <= self.newest)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `resume` reads them."""
        counts = {"begun": self._begun, "count": self._count, "since": self._since}
        return counts | {"newest": self.newest, "held": self.held.tolist()}

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Go on as the guard that was saved."""
        self._begun, self._count, self._since = saved["begun"], saved["count"], saved["since"]
        self.newest, self.held = saved["newest"], np.array(saved["held"], dtype=np.int64)

    def reach(self, oldest: int, newest: int, events: int) -> None:
        """Believe so many events of [oldest, newest], as another guard does."""
        if self.newest < 0:
            self._begun = oldest
        self.newest = max(self.newest, newest)
        still = self.held > self.newest
        self._count += events + int((~still).sum())
        self.held = self.held[still]

    def _begin(self, first: Times) -> None:
        """Few events do not say which of two far times is now: that of most of them is."""
        parts = np.split(first, np.flatnonzero(np.diff(first) > self._retention) + 1)
        most = max(parts, key=len)
        self._begun, self.newest = int(most[0]), int(most[-1])

    def _step(self) -> float:
        pace = (self.newest - self._begun) / max(self._count, 1)
        return max(self._max_ahead, min(CONFIRMED_BY * pace, self._retention))

    def _on_time(self, times: Times, jump: int) -> int:
        """Of the events that come after the first beyond the jump, those that lie before it."""
        later = times if len(self.held) else times[int(np.argmax(times >= jump)) :]
        return int((later < jump).sum())

    def _advance(self, beyond: Times, until: int, came: int) -> None:
        self._count += came + len(self.held) - (len(beyond) - until)
        self.held = beyond[until:]
        if until:
            self.newest = max(self.newest, int(beyond[until - 1]))
        if not len(self.held):
            self._since = 0
