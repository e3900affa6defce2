"""Which versions, or values of a slicing column, have counters of their own."""

import heapq
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from timonel.windows.sketch import HeavyHitters

OTHER = "other"
"""Where the rest is counted, together with rows that bear this very name."""


@dataclass(slots=True)
class Names:
    """The names with counters of their own, at most `bound`.

    Listed names are kept whatever comes, and no others. Without a list, the names that sort last are kept,
    numbers in them compared as numbers: of "2.9" and "2.10" the latter. A name that sorts among the last of
    all has done so ever since it came, so its counters are complete in whatever order the log is read.
    """

    bound: int
    sketch: HeavyHitters
    """Of the names that have no counters of their own."""
    listed: frozenset[str] | None = None
    kept: set[str] = field(default_factory=set)
    crowded: bool = False
    """Whether some rows went to OTHER."""

    def admit(self, counts: Mapping[str, int]) -> set[str]:
        """Let the names of a batch in; returns those that must now give up their counters."""
        before = self.kept
        self.kept = self._choose(before | (counts.keys() - {OTHER}))
        rest = {name: n for name, n in counts.items() if name not in self.kept}
        if rest:
            self.crowded = True
            self.sketch.update({name: n for name, n in rest.items() if n and name != OTHER})
        return before - self.kept

    def evicted(self, counts: Mapping[str, int]) -> None:
        """Note what the names that gave up their counters had counted."""
        self.crowded = True
        self.sketch.update(counts)

    def place(self, name: str) -> str:
        """Where rows of this name are counted."""
        return name if name in self.kept else OTHER

    def copy(self) -> "Names":
        """The same names, independent."""
        sketch = HeavyHitters(
            self.sketch.size, dict(self.sketch.counts), self.sketch.total, self.sketch.error
        )
        return Names(self.bound, sketch, self.listed, set(self.kept), self.crowded)

    def _choose(self, names: Iterable[str]) -> set[str]:
        if self.listed is not None:
            return set(self.listed.intersection(names))
        found = set(names)
        if len(found) <= self.bound:
            return found
        return set(heapq.nlargest(self.bound, found, key=natural))


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key under which numbers within a text compare as numbers."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    key = [(0, int(x), x) if x.isdecimal() and len(x) < 20 else (1, 0, x) for x in parts]
    return (*key, (-1, 0, name))
