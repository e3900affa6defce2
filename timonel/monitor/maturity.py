"""Up to when outcomes are complete: quality is told from predictions whose labels have come."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from timonel.monitor.spans import Span
from timonel.windows import arrival
from timonel.windows.layout import MINUTE
from timonel.windows.ranges import Sums

LEAST_DELAYS = 50
"""Labels of which the delay must be known before it is believed."""
COMPLETE = 0.95
"""Share of the labels that have come at the maturity age, and of the predictions if all are labelled."""

Counts = NDArray[np.int64]


def maturity_age(delays: Counts) -> int:
    """The age, in microseconds, by which 95 % of the labels that came had come; 0 where they come at once.

    Args:
        delays: labels by delay, as `windows.arrival.counts` has them.
    """
    total = int(delays.sum())
    if total < LEAST_DELAYS:
        return 0
    cell = int(np.searchsorted(np.cumsum(delays), COMPLETE * total))
    age = arrival.EDGES[min(cell, len(arrival.EDGES) - 1)]
    return 0 if age <= MINUTE else int(age)


def all_labelled(served: Sums) -> bool:
    """Whether nearly all predictions have their outcome, however young they are."""
    return served.n_labelled >= COMPLETE * served.n > 0


def mature_part(span: Span, newest: int, age: int) -> Span | None:
    """The part of a span whose labels have come; None where that is less than half of it."""
    until = min(span.end, (newest - age) // MINUTE * MINUTE) if age else span.end
    if until - span.start < (span.end - span.start) / 2:
        return None
    return Span(span.start, until)


class Complete(Mapping[str, Counts]):
    """The counters of a window, those of outcomes from its mature part alone."""

    def __init__(
        self, served: Mapping[str, Counts], mature: Mapping[str, Counts], judged: frozenset[str]
    ) -> None:
        self._served, self._mature, self._judged = served, mature, judged

    def __getitem__(self, field: str) -> Counts:
        return (self._mature if field in self._judged else self._served)[field]

    def __contains__(self, field: object) -> bool:
        return field in self._served

    def __iter__(self) -> Iterator[str]:
        return iter(self._served)

    def __len__(self) -> int:
        return len(self._served)
