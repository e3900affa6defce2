"""Joins requests and responses by their id, in any order, each once, within bounds of time and memory.

Time is when events came, so that reading the same spool again joins the same.
"""

from collections import OrderedDict
from dataclasses import dataclass

from timonel_serving.detector.half import Half, Kind
from timonel_serving.detector.tally import Outcome, Tally

_BOTH = Kind.REQUEST.value | Kind.RESPONSE.value
_MISSING = {Kind.REQUEST: Outcome.NO_RESPONSE, Kind.RESPONSE: Outcome.NO_REQUEST}


@dataclass(frozen=True, slots=True)
class Inference:
    """A request with its response."""

    request: Half
    response: Half
    received: int
    """When the first of them came, in microseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the join may hold."""

    timeout: int
    """Microseconds that a half waits for the other one."""
    halves: int = 50_000
    """Halves that wait."""
    size: int = 64 * 2**20
    """Their bytes, about."""
    remembered: int = 200_000
    """Ids by which duplicates are known, the newest."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    half: Half
    received: int


class Join:
    """The halves that wait, and the ids that are done."""

    def __init__(self, bounds: Bounds, tally: Tally) -> None:
        self._bounds, self._tally = bounds, tally
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._done: OrderedDict[str, int] = OrderedDict()
        self._now = 0
        self._size = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def now(self) -> int:
        """The time that it has been told last."""
        return self._now

    def add(self, half: Half, received: int) -> Inference | None:
        """Take a half; the inference, if this completes it.

        Args:
            half: the request or the response.
            received: when it came; where the clock went back it counts as the latest time so far.
        """
        self.pass_time(received)
        first = self._waiting.get(half.id)
        if first is not None and first.half.kind is not half.kind:
            return self._complete(first, half)
        if first is not None:
            self._tally.count(Outcome.DUPLICATE)
        elif not self._is_done(half):
            self._wait(half)
        return None

    def pass_time(self, now: int) -> None:
        """Give up the halves that have waited too long at a time."""
        self._now = max(self._now, now)
        while self._waiting:
            oldest = next(iter(self._waiting.values()))
            if oldest.received + self._bounds.timeout > self._now:
                break
            self._give_up(_MISSING[oldest.half.kind])

    def _wait(self, half: Half) -> None:
        self._waiting[half.id] = _Waiting(half, self._now)
        self._size += half.size
        while len(self._waiting) > self._bounds.halves or self._size > self._bounds.size:
            self._give_up(Outcome.JOIN_FULL)

    def _complete(self, first: _Waiting, second: Half) -> Inference:
        del self._waiting[second.id]
        self._size -= first.half.size
        self._remember(second.id, _BOTH)
        self._tally.count(Outcome.JOINED, 2)
        if first.half.kind is Kind.REQUEST:
            return Inference(first.half, second, first.received)
        return Inference(second, first.half, first.received)

    def _is_done(self, half: Half) -> bool:
        """Whether its inference was joined or given up before, which is counted."""
        seen = self._done.get(half.id)
        if seen is None:
            return False
        self._tally.count(Outcome.DUPLICATE if seen & half.kind.value else Outcome.LATE)
        self._done[half.id] = seen | half.kind.value
        return True

    def _give_up(self, outcome: Outcome) -> None:
        identity, gone = self._waiting.popitem(last=False)
        self._size -= gone.half.size
        self._remember(identity, gone.half.kind.value)
        self._tally.count(outcome)

    def _remember(self, identity: str, kinds: int) -> None:
        self._done[identity] = kinds
        if len(self._done) > self._bounds.remembered:
            self._done.popitem(last=False)
