"""Where a loss sits: one or two conditions, found on half of the days and measured on the other."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.columns import Column
from timonel.diagnosis.loss import Floats
from timonel.diagnosis.sample import Sample

Bools = NDArray[np.bool_]

PARTS = 4
LEAST_ROWS = 200
LEAST_SHARE = 0.03
MOST_CATEGORIES = 12
DEEPER = 8
"""The best conditions, to each of which a second one is tried."""
ABOVE = 1.5
"""A segment loses this many times the mean at least, on the days that it was not found on."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the rows that carries more of the loss than its share."""

    name: str
    support: float
    share: float
    """Of the loss, on days that it was not found on."""

    @property
    def text(self) -> str:
        """As evidence."""
        return f"{self.name}: {self.support:.0%} of the rows carry {self.share:.0%} of it"


def worst_segment(sample: Sample, loss: Floats) -> Segment | None:
    """The segment with the greatest loss above the mean's; None if none has clearly more than its share."""
    half = sample.sides.now.block % 2 == 0
    rows = sample.keep
    search, held = rows & half, rows & ~half
    if min(search.sum(), held.sum()) < 2 * LEAST_ROWS or loss[held].sum() <= 0:
        return None
    single = [c for column in sample.columns for c in conditions(column)]
    excess = loss - loss[search].mean()
    ranked = sorted(single, key=lambda c: -_value(c[1], excess, search))[:DEEPER]
    pairs = (
        (f"{a} & {b}", x & y) for a, x in ranked for b, y in single if _column(a) != _column(b)
    )
    best = max([*ranked, *pairs], key=lambda c: _value(c[1], excess, search), default=None)
    if best is None or _value(best[1], excess, search) <= 0:
        return None
    inside = best[1] & held
    support = float(inside.sum() / held.sum())
    share = float(loss[inside].sum() / loss[held].sum())
    return Segment(best[0], support, min(share, 1.0)) if share > ABOVE * support > 0 else None


def conditions(column: Column) -> Iterator[tuple[str, Bools]]:
    """Quarters of a number by the reference, or the frequent categories."""
    now = column.current
    if column.labels is not None:
        for i, label in enumerate(column.labels[:MOST_CATEGORIES]):
            yield f"{column.name}={label}", now == i
        return
    known = column.reference[~np.isnan(column.reference)]
    edges = np.unique(np.quantile(known, np.arange(1, PARTS) / PARTS)) if len(known) else known
    for low, high in zip([-np.inf, *edges], [*edges, np.inf], strict=True):
        ends = (f">={low:.4g}" if np.isfinite(low) else "", f"<{high:.4g}" if high < np.inf else "")
        name = column.name + " and ".join(filter(None, ends))
        yield name, (now >= low) & (now < high)


def _value(rows: Bools, excess: Floats, search: Bools) -> float:
    inside = rows & search
    n = int(inside.sum())
    if n < max(LEAST_ROWS, LEAST_SHARE * search.sum()):
        return -np.inf
    return float(excess[inside].sum() / np.sqrt(n))


def _column(condition: str) -> str:
    return condition.split("=")[0].split("<")[0].split(">")[0]
