"""Several incidents on one table."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from timonel.errors import BadInput
from timonel.faults.incident import Incident
from timonel.faults.layout import IntArray
from timonel.faults.truth import Injected, Truth


@dataclass(frozen=True)
class Scenario:
    """Incidents one after another: each works on the table that the one before it left.

    The generator is handed on, so that a scenario equals its incidents applied by hand, and adding one
    at the end changes nothing of the earlier ones. Onsets that are shares refer to the table that
    reaches the incident.
    """

    incidents: tuple[Incident, ...]

    def __post_init__(self) -> None:
        if not self.incidents:
            raise BadInput("a scenario needs at least one incident")

    def then(self, other: "Incident | Scenario") -> "Scenario":
        """This scenario, followed by another incident or scenario."""
        more = other.incidents if isinstance(other, Scenario) else (other,)
        return Scenario((*self.incidents, *more))

    def apply(self, table: pa.Table, rng: np.random.Generator) -> Injected:
        """Inject all, in order; the rows of every truth are positions in the final table."""
        done = Injected(table, (), np.arange(table.num_rows))
        for incident in self.incidents:
            step = incident.apply(done.table, rng)
            earlier = tuple(
                _moved(truth, step.origin, done.table.num_rows) for truth in done.truths
            )
            done = Injected(step.table, (*earlier, *step.truths), done.origin[step.origin])
        return done


def _moved(truth: Truth, origin: IntArray, rows: int) -> Truth:
    """A truth whose rows are followed to where a later incident put them."""
    acted = np.zeros(rows, dtype=np.bool_)
    acted[truth.rows] = True
    return replace(truth, rows=np.flatnonzero(acted[origin]).astype(np.int64))
