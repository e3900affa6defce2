"""What a state of windows counts, at which resolution, and where it stops."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

from timonel.errors import BadInput
from timonel.windows.pack import Field, Pack

SECOND = 1_000_000
"""All times and spans of the windows are whole microseconds; times since 1970 UTC."""
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

FINE, COARSE, ROLL = range(3)
"""The tiers of a series."""

EVENTS = "events"
"""The field that every state has: predictions, and those of them whose outcome is counted."""
SERVED, JUDGED = 0, 1
"""Its two counters."""

MOST_CELLS = 1 << 31
"""Counters that one series may have. Where memory is promised freely, as on the nodes of Kubernetes
(vm.overcommit_memory=1), no MemoryError stops what asks for too much: the kernel kills the process."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The three lengths of block of a series; each divides the next."""

    fine: int
    """Of the newest blocks."""
    coarse: int
    """Of the blocks beyond the fine span."""
    roll: int
    """Of sums over both, which spare long ranges the adding up."""

    def of(self, tier: int) -> int:
        """The length of the blocks of a tier: FINE, COARSE or ROLL."""
        return (self.fine, self.coarse, self.roll)[tier]


@dataclass(frozen=True, slots=True)
class Layout:
    """The plan of a state; only states of one layout can be merged.

    Whole series (a version, no slice) have `fine` blocks for the newest `fine_span` and `coarse` ones
    before, slices one step coarser: `coarse` blocks, then hours. The fine span begins on a full hour and
    the retention on a UTC day, so up to that much more is kept.
    """

    fields: tuple[Field, ...]
    slices: tuple[str, ...] = ()
    """The slicing columns."""
    listed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By slicing column: the values with a series of their own, where they are known beforehand."""
    fine: int = MINUTE
    coarse: int = 15 * MINUTE
    fine_span: int = DAY
    retention: int = 35 * DAY
    max_versions: int = 16
    max_slice_values: int = 20
    sketch_size: int = 64
    """Names kept of the values that have no series of their own."""

    def __post_init__(self) -> None:
        names = [field.name for field in self.fields]
        if EVENTS in names or len(set(names)) < len(names):
            raise BadInput(f"fields {names}: expected names used once, and none that is {EVENTS!r}")
        if not _nested(self.fine, self.coarse, HOUR):
            raise BadInput(
                f"blocks of {self.fine:,} and {self.coarse:,} us, expected each to divide the next"
                " and an hour",
                fix="use such as 1 and 15 minutes",
            )
        if not 0 <= self.fine_span <= self.retention:
            raise BadInput(
                f"a fine span of {self.fine_span:,} us with a retention of {self.retention:,},"
                " expected the fine span to be the shorter"
            )
        bounds = (self.max_versions, self.max_slice_values, self.sketch_size)
        if min(bounds) < 1:
            raise BadInput(
                f"bounds of {bounds} versions, slice values and names, expected 1 or more"
            )

        cells = sum(field.width for field in self.counted.values()) * (
            self.fine_span // self.fine + self.retention // self.coarse + self.retention // HOUR
        )
        if cells > MOST_CELLS:
            raise BadInput(
                f"a series of {cells:,} counters, expected {MOST_CELLS:,} at most",
                fix="count fewer fields, in longer blocks, or keep them for a shorter time",
            )

    @classmethod
    def of(cls, packs: Sequence[Pack], **settings: Any) -> Self:
        """The layout with the fields of these packs."""
        return cls(tuple(field for pack in packs for field in pack.fields), **settings)

    @property
    def counted(self) -> dict[str, Field]:
        """All fields by name, EVENTS first."""
        own = Field(EVENTS, 2)
        return {field.name: field for field in (own, *self.fields)}

    @property
    def whole_steps(self) -> Steps:
        """Blocks of the series without a slice."""
        return Steps(self.fine, self.coarse, HOUR)

    @property
    def slice_steps(self) -> Steps:
        """Blocks of the slices."""
        return Steps(self.coarse, HOUR, DAY)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The inverse of `to_dict`, also after a way through JSON."""
        plain = {name: saved[name] for name in cls.__slots__}
        plain["fields"] = tuple(Field(**field) for field in saved["fields"])
        plain["slices"] = tuple(saved["slices"])
        plain["listed"] = tuple((column, tuple(values)) for column, values in saved["listed"])
        return cls(**plain)


def _nested(*steps: int) -> bool:
    return all(a > 0 and b % a == 0 for a, b in pairwise(steps))
