"""What an explanation is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Space = Literal["log-odds", "probability"]
"""In which unit contributions add up."""


@dataclass(frozen=True)
class Explanation:
    """Why one row has its score: `base_value` plus all contributions is `score`."""

    base_value: float
    score: float
    contributions: Mapping[str, float]
    """By column, or for a text by term; the greatest first."""

    @property
    def gap(self) -> float:
        """By how much the parts miss the score."""
        return abs(self.base_value + sum(self.contributions.values()) - self.score)


class Method(Protocol):
    """A way of explaining a model."""

    @property
    def name(self) -> str:
        """The method, as a response names it."""

    @property
    def space(self) -> Space:
        """The unit in which its contributions add up."""

    def explain(self, rows: Any, classes: NDArray[np.intp]) -> Sequence[Explanation]:
        """Explain the score of each row's class; `rows` is what the pipeline takes."""


def ranked(
    names: Sequence[str], values: NDArray[Any], most: int | None = None, rest: str = ""
) -> dict[str, float]:
    """Contributions by name, the greatest in size first; beyond `most` they are summed as `rest`."""
    order = np.argsort(-np.abs(values), kind="stable")
    found = {names[i]: float(values[i]) for i in order[:most]}
    left = order[most:] if most is not None else order[:0]
    return {**found, rest: float(values[left].sum())} if len(left) else found
