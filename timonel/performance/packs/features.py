"""Features, each counted in the cells that its bins draw: what drift is judged on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

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

    def metrics(self, sums: Mapping[str, Counts], seconds: float) -> dict[str, Measured]:
        """How much of each feature is missing, and how much has no place among its bins."""
        if CELLS_FIELD not in sums:  # a slice
            return {}
        found = {}
        for one, cells in zip(self.bins, self.counts(sums), strict=True):
            found[f"null_rate[{one.name}]"] = share(cells[NULL], cells.sum())
            found[f"other_rate[{one.name}]"] = share(cells[OTHER], cells.sum())
        return found

    def warnings(self, sums: Mapping[str, Counts]) -> list[str]:
        """Nothing besides."""
        return []
