"""The counters of one series: each field in fine blocks, in coarse blocks and rolled up."""

from collections.abc import Iterator, Mapping

import numpy as np

from timonel.windows.clock import Clock, periods
from timonel.windows.layout import COARSE, ROLL, Layout, Steps
from timonel.windows.pack import Field
from timonel.windows.ring import Counts, Ring

Rings = tuple[Ring, Ring, Ring]


class Tiers:
    """What one version, or one slice of it, has counted.

    Every event stands in a fine or a coarse block, and once more in the roll-up.
    """

    __slots__ = ("fields", "newest", "rings", "sizes", "steps")

    def __init__(self, layout: Layout, sliced: bool) -> None:
        self.steps: Steps = layout.slice_steps if sliced else layout.whole_steps
        self.sizes = periods(layout, self.steps)
        self.fields: Mapping[str, Field] = {
            name: field for name, field in layout.counted.items() if field.sliced or not sliced
        }
        self.rings: dict[str, Rings] = {}
        self.newest: int | None = None
        """The start of the newest block with counts. No block reaches over the end of a day, where events
        expire, so that it does not matter how long the block is."""

    def copy(self) -> "Tiers":
        """The same counters, independent."""
        twin: Tiers = object.__new__(Tiers)
        twin.steps, twin.sizes, twin.fields = self.steps, self.sizes, self.fields
        twin.rings = {
            name: (fine.copy(), coarse.copy(), roll.copy())
            for name, (fine, coarse, roll) in self.rings.items()
        }
        twin.newest = self.newest
        return twin

    def ring(self, field: str, tier: int) -> Ring:
        """The counters of a field; made when they are first needed."""
        if field not in self.rings:
            width = self.fields[field].width
            fine, coarse, roll = (Ring(size, width) for size in self.sizes)
            self.rings[field] = fine, coarse, roll
        return self.rings[field][tier]

    def seen(self, tier: int, block: int) -> None:
        """Note that a block has counts."""
        time = block * self.steps.of(tier)
        self.newest = time if self.newest is None else max(self.newest, time)

    def advance(self, before: Clock, now: Clock) -> None:
        """Move what has left the fine span into coarse blocks, and clear what has expired."""
        fine, coarse, roll = before.live(self.steps)
        new_fine, new_coarse, new_roll = now.live(self.steps)
        for field, rings in self.rings.items():
            # first, for a new block may stand where an expired one did
            for ring, old, new in (
                (rings[COARSE], coarse, new_coarse),
                (rings[ROLL], roll, new_roll),
            ):
                ring.clear(old[0], min(old[1], new[0]))
            self._compact(field, fine[0], min(fine[1], new_fine[0]), new_coarse[0])

    def _compact(self, field: str, start: int, end: int, oldest: int) -> None:
        if start >= end:
            return
        fine, coarse, _ = self.rings[field]
        # the fine tier begins at a full block of the coarse one
        blocks = np.arange(start, end) // (self.steps.coarse // self.steps.fine)
        counts = fine.read(start, end)
        starts = np.flatnonzero(np.diff(blocks, prepend=blocks[0] - 1))
        sums = np.add.reduceat(counts, starts, axis=0, dtype=np.int64)
        keep = (blocks[starts] >= oldest) & sums.any(axis=1)
        if keep.any():
            coarse.add(blocks[starts][keep], sums[keep])
        fine.clear(start, end)

    def absorb(self, other: "Tiers", clock: Clock) -> None:
        """Add the counters of another series that is as far advanced."""
        for field, tier, blocks, counts in other.rows(clock):
            self.ring(field, tier).add(blocks, counts)
            self.seen(tier, int(blocks[-1]))

    def rows(self, clock: Clock) -> Iterator[tuple[str, int, Counts, Counts]]:
        """All blocks with counts: field, tier, block numbers, counters."""
        live = clock.live(self.steps)
        for field in sorted(self.rings):
            for tier, (start, end) in enumerate(live):
                counts = self.rings[field][tier].read(start, end)
                used = np.flatnonzero(counts.any(axis=1))
                if len(used):
                    yield field, tier, start + used, counts[used].astype(np.int64)
