"""Features, each counted in the cells that its bins draw: what drift is judged on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from timonel.performance.packs.deferred import Deferred
from timonel.performance.packs.measures import share
from timonel.performance.value import Measured
from timonel.reference.bins import CELLS, NULL, OTHER, Bins
from timonel.windows.events import Events
from timonel.windows.pack import Contribution, Field

Counts = NDArray[np.int64]

CELLS_FIELD = "features.cells"


@dataclass(frozen=True)
class FeaturePack:
    """Reads the column cells, uint8 (n, features), of `timonel.reference.cells.read_cells`."""

    bins: tuple[Bins, ...]
    remembers = ()
    quality: ClassVar[frozenset[str]] = frozenset()

    @property
    def fields(self) -> tuple[Field, ...]:
        """One counter a feature and cell; slices do without."""
        return (Field(CELLS_FIELD, len(self.bins) * CELLS, sliced=False),)

    def served(self, events: Events) -> Iterator[Contribution]:
        """One row in each feature."""
        place = np.arange(len(self.bins), dtype=np.int32) * CELLS
        yield Contribution(CELLS_FIELD, events.columns["cells"] + place)

    def judged(self, events: Events) -> Iterator[Contribution]:
        """Outcomes say nothing of the features."""
        return iter(())

    def counts(self, sums: Mapping[str, Counts]) -> Counts:
        """Rows by feature and cell, (features, CELLS)."""
        return sums[CELLS_FIELD].reshape(len(self.bins), CELLS)

    @cached_property
    def _figures(self) -> dict[str, tuple[int, int]]:
        """By name: the feature and the cell whose share it is."""
        return {
            f"{name}[{one.name}]": (j, cell)
            for j, one in enumerate(self.bins)
            for name, cell in (("null_rate", NULL), ("other_rate", OTHER))
        }

    def metrics(self, sums: Mapping[str, Counts], seconds: float) -> Deferred:
        """How much of each feature is missing, and how much has no place among its bins."""

        def figure(name: str) -> Measured:
            j, cell = self._figures[name]
            cells = self.counts(sums)[j]
            return share(cells[cell], cells.sum())

        return Deferred(self._figures if CELLS_FIELD in sums else {}, figure)  # {}: of a slice

    def warnings(self, sums: Mapping[str, Counts]) -> list[str]:
        """Nothing besides."""
        return []
