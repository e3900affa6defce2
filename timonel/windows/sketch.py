"""The most frequent of unboundedly many names, in bounded memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True)
class HeavyHitters:
    """At most `size` names with counts that are too low by at most `error` (Misra-Gries).

    `error` is at most total / (size + 1), so each name more frequent than that is among them. That holds
    after any updates and merges; which of the rarer names are kept depends on the order.

    References:
        P. K. Agarwal, G. Cormode, Z. Huang, J. Phillips, Z. Wei, K. Yi: Mergeable summaries. PODS 2012.
    """

    size: int
    counts: dict[str, int] = field(default_factory=dict)
    total: int = 0
    """Of all counts that came."""
    error: int = 0

    def update(self, counts: Mapping[str, int]) -> None:
        """Add exact counts, 0 or more each."""
        self.total += sum(counts.values())
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        self._shrink()

    def merge(self, other: Self) -> None:
        """Add another sketch; the errors add up."""
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        self.total += other.total
        self.error += other.error
        self._shrink()

    def _shrink(self) -> None:
        if len(self.counts) > self.size:
            least = sorted(self.counts.values(), reverse=True)[self.size]
            self.error += least
            self.counts = {x: count - least for x, count in self.counts.items() if count > least}

    def top(self) -> list[tuple[str, int, int]]:
        """Name, lower and upper bound of its count; the most frequent first."""
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return [(name, count, count + self.error) for name, count in ranked]
