"""How good the decisions at the threshold are, from weighted confusion counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from timonel.config import Costs
from timonel.performance.packs.measures import mean, ratio
from timonel.performance.value import Measured

Four = tuple[float, float, float, float]


@dataclass(frozen=True)
class Decisions:
    """Rows that have both an outcome and a prediction; the others null_rate tells of."""

    counts: tuple[int, int, int, int]
    """True negatives, false positives, false negatives, true positives."""
    weight: Four
    """How much a row of each counts."""
    costs: Costs
    """What a wrong decision costs."""
    beta: float
    """How many times recall weighs as much as precision in fbeta."""

    def ratio(self, above: Four, below: Four) -> Measured:
        """The ratio of two sums; what a row of each kind adds to both."""
        return ratio(self.counts, above, below, self.weight)

    def fbeta(self, square: float) -> Measured:
        """The F measure, by the square of its beta."""
        return self.ratio((0, 0, 0, 1 + square), (0, 1, square, 1 + square))

    def cost(self) -> Measured:
        """What a decision costs in the mean."""
        n = sum(self.counts)
        if not n:
            return mean(0.0, 0.0, 0)
        cost = (0.0, self.costs.false_positive, self.costs.false_negative, 0.0)
        cells = list(zip(self.counts, self.weight, cost, strict=True))
        total = sum(w * c for c, w, _ in cells)
        squares = sum(w * w * c for c, w, _ in cells)
        value = sum(w * c * each for c, w, each in cells) / total
        variance = sum(w * w * c * (each - value) ** 2 for c, w, each in cells) / squares
        return mean(value * n, variance, n, total**2 / squares, least=0.0)


DECIDED: Mapping[str, Callable[[Decisions], Measured]] = {
    "accuracy": lambda d: d.ratio((1, 0, 0, 1), (1, 1, 1, 1)),
    "precision": lambda d: d.ratio((0, 0, 0, 1), (0, 1, 0, 1)),
    "recall": lambda d: d.ratio((0, 0, 0, 1), (0, 0, 1, 1)),
    "specificity": lambda d: d.ratio((1, 0, 0, 0), (1, 1, 0, 0)),
    "f1": lambda d: d.fbeta(1.0),
    "fbeta": lambda d: d.fbeta(d.beta**2),
    "base_rate": lambda d: d.ratio((0, 0, 1, 1), (1, 1, 1, 1)),
    "cost_per_prediction": Decisions.cost,
}
"""The metrics of decisions."""
