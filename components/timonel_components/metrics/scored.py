"""Rows with their true classes and a model's probabilities: what every metric is made of."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.config import Costs

Labels = NDArray[np.int64]
Floats = NDArray[np.floating[Any]]
Probabilities = Floats


@dataclass(frozen=True)
class Scored:
    """Rows with their classes and the model's probabilities."""

    y: Labels
    p: Probabilities
    threshold: float = 0.5
    costs: Costs = field(default_factory=Costs)

    @property
    def binary(self) -> bool:
        """Whether there are two classes."""
        return self.p.shape[1] == 2

    @property
    def score(self) -> Probabilities:
        """The probability of the positive class."""
        return self.p[:, 1]

    @property
    def predicted(self) -> Labels:
        """The predicted classes."""
        if self.binary:
            return (self.score >= self.threshold).astype(np.int64)
        top: Labels = self.p.argmax(axis=1)
        return top

    @property
    def classes(self) -> Labels:
        """All classes, also those without a row."""
        return np.arange(self.p.shape[1])

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray[Any]) -> "Scored":
        """Some of the rows."""
        return Scored(self.y[rows], self.p[rows], self.threshold, self.costs)
