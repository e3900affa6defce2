"""What a metric pack adds to the windows: counts per row, so that windows can be summed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from timonel.windows.events import Events


@dataclass(frozen=True, slots=True)
class Field:
    """A named row of counters that each window has."""

    name: str
    """Unique among the packs of a monitor, such as "binary.confusion"."""
    width: int
    sliced: bool = True
    """Whether the slices count it too; the wide fields of features do not."""
    judged: bool = False
    """Whether outcomes are counted in it: then a window is complete only once its labels have come."""


@dataclass(frozen=True, slots=True, eq=False)
class Contribution:
    """What rows add to a field: `amount` at `at`, in the window of each row's own time."""

    field: str
    at: NDArray[np.integer[Any]]
    """The counter of each row, (n,) or (n, k) for several a row; below 0: none."""
    amount: NDArray[np.int64] | None = None
    """How much each adds, shaped as `at`; None: 1. Whole numbers, so that no order of adding matters;
    a real quantity is scaled to a fixed point."""


class Pack(Protocol):
    """The counters of one kind of model, or of one concern."""

    @property
    def fields(self) -> Sequence[Field]:
        """The counters that the pack needs."""
        ...

    @property
    def remembers(self) -> Sequence[str]:
        """The columns of a prediction that `judged` reads, kept until its label comes."""
        ...

    def served(self, events: Events) -> Iterator[Contribution]:
        """What predictions add at once, labels aside."""
        ...

    def judged(self, events: Events) -> Iterator[Contribution]:
        """What predictions with their outcome add besides; every row of `events` is labelled.

        It must depend on nothing but the row, so that a corrected label can be taken back exactly.
        """
        ...
