"""What a metric pack is to the monitor: counters, and the figures they add up to."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from timonel.performance.value import Measured
from timonel.windows.pack import Pack


class MetricPack(Pack, Protocol):
    """A pack that reads its own counters."""

    @property
    def quality(self) -> frozenset[str]:
        """The metrics that outcomes are needed for, without what follows "[" in their names."""
        ...

    def metrics(
        self, sums: Mapping[str, NDArray[np.int64]], seconds: float
    ) -> Mapping[str, Measured]:
        """The figures of a window of that length, each computed when it is read."""
        ...

    def warnings(self, sums: Mapping[str, NDArray[np.int64]]) -> Sequence[str]:
        """What a reader should know before using them."""
        ...
