"""Cohorts at an equal age: what is comparable while labels still arrive."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from timonel.errors import BadInput
from timonel.performance.intervals import difference
from timonel.performance.realised import Labelled, realised
from timonel.performance.value import Measured


def matured(
    predicted_at: ArrayLike,
    arrived_at: ArrayLike,
    *,
    age: float,
    now: float,
    since: float | None = None,
) -> NDArray[np.intp]:
    """The rows to feed a concept detector, in the order of the predictions.

    A prediction is decided once, when it is `age` old: it counts if its label had arrived by then, and
    a label that comes later is left out. So every prediction is seen by the same rule, and slow labels
    of one class shift nothing over time; in the order of arrival they would. Call it again with `since`
    set to the last `now` for the rows that have matured in between.

    Args:
        predicted_at: time of each prediction, in any unit.
        arrived_at: time of its label, NaN where there is none.
        age: the maturity age, in the same unit.
        now: rows predicted after now - age are not yet decided.
        since: rows predicted up to since - age have been fed already.
    """
    at, arrived = (np.asarray(x, dtype=np.float64) for x in (predicted_at, arrived_at))
    if at.shape != arrived.shape:
        raise BadInput(f"{at.shape} predictions with {arrived.shape} arrivals, expected one each")
    begin = -np.inf if since is None else since - age
    rows = np.flatnonzero((at > begin) & (at <= now - age) & (arrived - at <= age))
    return rows[np.argsort(at[rows], kind="stable")]


@dataclass(frozen=True)
class Cohort:
    """Labelled predictions with the delay of each label and the age of each prediction."""

    labelled: Labelled
    delay: NDArray[np.float64]
    """From prediction to label; NaN where there is none yet."""
    age: NDArray[np.float64]
    """From prediction to now."""

    def at(self, vintage: float) -> Labelled:
        """The rows that are at least so old, with a label that had arrived by that age."""
        return self.labelled.select((self.age >= vintage) & (self.delay <= vintage))


@dataclass(frozen=True)
class VintageComparison:
    """A metric of two cohorts, both read at the same age."""

    metric: str
    vintage: float
    reference: Measured
    current: Measured
    difference: Measured
    """Current less reference."""

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "metric": self.metric,
            "vintage": self.vintage,
            "reference": self.reference.to_dict(),
            "current": self.current.to_dict(),
            "difference": self.difference.to_dict(),
        }


def equal_vintage(
    reference: Cohort, current: Cohort, metric: str = "accuracy", vintage: float | None = None
) -> VintageComparison:
    """Compare two cohorts at one age, each with only the labels that had arrived by it.

    Both carry the same arrival bias, so their difference is fair although neither value is. Without
    `vintage` it is the median age of the current cohort.
    """
    age = float(np.median(current.age)) if vintage is None else vintage
    before, now = (realised(cohort.at(age), [metric])[metric] for cohort in (reference, current))
    return VintageComparison(metric, age, before, now, difference(now, before))
