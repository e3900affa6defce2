"""What is known of one detector, and of others that go by its name."""

import math
from dataclasses import dataclass, field
from typing import Any

from timonel.monitor.times import NO_TIME

_MOST_FORMER = 8
"""Spools whose marks are kept after another one took the name."""


@dataclass
class Heard:
    """One detector: the one whose spool it is, as long as that is at work."""

    heard: float
    mark: int = 0
    newest: int = NO_TIME
    left: bool = False
    """Whether it said good-bye: its pod was stopped, and its silence means nothing."""
    spool: str = ""
    """The identity of its spool, which a restart keeps; empty: it has not said."""
    former: dict[str, int] = field(default_factory=dict)
    """The marks of spools that had the name before."""
    refused_since: float = -math.inf
    refused_last: float = -math.inf
    """When another one of the name was refused, of late: not saved."""

    def is_of(self, spool: str) -> bool:
        """Whether nothing says that a spool is another one."""
        return spool in ("", self.spool) or not self.spool

    def held_against(self, spool: str, now: float, patience: float) -> bool:
        """Whether the name is not this spool's, which may have it after so many seconds of silence."""
        return not (self.is_of(spool) or self.left or now - self.heard > patience)

    def belong(self, spool: str) -> None:
        """Take a spool for the detector's own."""
        if not self.is_of(spool):
            self.former[self.spool] = self.mark
            self.mark = self.former.pop(spool, 0)
            while len(self.former) > _MOST_FORMER:
                del self.former[next(iter(self.former))]
        self.spool = spool or self.spool

    def mark_of(self, spool: str) -> int:
        """How far a spool was read."""
        return self.mark if self.is_of(spool) else self.former.get(spool, 0)

    def refuse(self, now: float, patience: float) -> None:
        """Note that another one of the name was refused."""
        if now - self.refused_last > patience:
            self.refused_since = now
        self.refused_last = now

    def contested(self, now: float, patience: float) -> bool:
        """Whether two are at work: this one was heard of after the other was refused.

        One that comes back without its spool is refused, too, but then the former one is silent.
        """
        return self.heard > self.refused_since and now - self.refused_last <= patience

    def to_list(self) -> list[Any]:
        """Plain JSON values."""
        return [self.heard, self.mark, self.newest, self.left, self.spool, dict(self.former)]
