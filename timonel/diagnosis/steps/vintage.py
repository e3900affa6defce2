"""Labels of equal age: reference labels count only if they had come as soon as current ones had to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.cause import Action, Cause
from timonel.diagnosis.claim import Claim
from timonel.diagnosis.finding import Scope
from timonel.diagnosis.loss import Floats, log_loss
from timonel.diagnosis.rows import NEVER, Rows, instants
from timonel.diagnosis.sides import Sides

Bools = NDArray[np.bool_]

CLEAR = 3.0
BIASED = 0.2
"""Arrival bias that makes less than this part of the change is not claimed."""


@dataclass(frozen=True, eq=False)
class Vintage:
    """The labelled reference rows, and those of them that are of the current labels' vintage."""

    whole: Bools
    matched: Bools


def last_seen(sides: Sides) -> int | None:
    """The instant at which the log was read, as its last label or row tells; None without labels."""
    last = []
    for side in (sides.reference, sides.current):
        for name in ("label_arrival_time", "arrival_time"):
            if side.has(name):
                at = instants(side.table, name)
                last.append(int(at[at != NEVER].max()))
    return max(last) if last and sides.current.has("label_arrival_time") else None


def usable(side: Rows) -> Bools:
    """Rows with a label and a score."""
    return ~np.isnan(side.outcome) & ~np.isnan(side.score)


def vintage(sides: Sides, as_of: int | None, rng: np.random.Generator) -> Vintage:
    """Give each reference row the age of a current one, and keep its label if it had arrived by then."""
    whole = usable(sides.reference)
    delay = sides.reference.delay("label_arrival_time")
    if as_of is None or not len(sides.current) or np.isnan(delay[whole]).any():
        return Vintage(whole, whole)
    ages = (as_of - sides.current.time) / 1e6
    drawn = rng.choice(ages, len(whole))
    return Vintage(whole, whole & (delay <= drawn))


def arrival_bias(sides: Sides, found: Vintage) -> tuple[Floats, Floats]:
    """(1 + TIMES,): the loss of the whole reference, and what the vintage adds to it."""
    lost = np.nan_to_num(log_loss(sides.reference.outcome, sides.reference.score))
    whole = sides.before.means(lost, found.whole.astype(np.float64))
    return whole, sides.before.means(lost, found.matched.astype(np.float64)) - whole


def bias_claim(part: Floats, change: Floats, found: Vintage) -> Claim | None:
    """A change that is there because only the quick labels are."""
    sure = abs(part[0]) > CLEAR * float(np.std(part[1:]))
    if not sure or part[0] * change[0] <= 0 or abs(part[0]) < BIASED * abs(change[0]):
        return None
    text = (
        f"reference labels of the same age give a loss that is {part[0]:+.4g} off too:"
        f" labels that come soon ({found.matched.sum() / max(1, found.whole.sum()):.0%}) are of"
        " another kind than those that come late"
    )
    return Claim(
        cause=Cause.LABEL_ARTEFACT,
        scope=Scope(("label_arrival_time",)),
        evidence=(text,),
        part=part,
        action=Action.WAIT_FOR_LABELS,
    )
