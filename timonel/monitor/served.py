"""What became of the requests of each version in a stretch of time, in whole numbers that can be compared."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from timonel.monitor.times import as_datetime
from timonel.monitor.tracker import Tracker
from timonel.performance.packs.grids import LATENCY
from timonel.performance.packs.service import UNKNOWN, Requests, requests

LATENCY_EDGES_MS: tuple[float, ...] = tuple((LATENCY.edges / 1000).tolist())
"""Between the cells of latency, in milliseconds; an edge belongs to the cell above it."""


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """The requests of one version."""

    version: str
    """ "" where it was not given; "other" for those beyond the bound of versions."""
    requests: Requests
    latency: tuple[int, ...]
    """Requests of known latency by its cell: one more than there are edges."""


@dataclass(frozen=True, slots=True)
class ServedWindow:
    """All versions that were asked in [start, end), event time."""

    start: datetime
    end: datetime
    versions: tuple[ServedVersion, ...]


def served_in(tracker: Tracker, start: int, end: int | None) -> ServedWindow:
    """The exact counts of the blocks that begin in [start, end), or of all from start on.

    Blocks are minutes, of what is older than a day quarters of an hour.
    """
    state = tracker.account.state
    until = tracker.newest + 1 if end is None else end
    until = max(until, start)
    found = []
    for version in state.versions():
        sums = state.sums(start, until, version)
        if sums.n:
            cells: list[Any] = sums["service.latency"][:UNKNOWN].tolist()
            found.append(ServedVersion(version, requests(sums), tuple(cells)))
    whole = state.sums(start, until)
    return ServedWindow(as_datetime(whole.start), as_datetime(whole.end), tuple(found))
