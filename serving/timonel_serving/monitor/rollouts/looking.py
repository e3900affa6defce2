"""What the monitor has counted, as blocks are cut from it; and whether that can be all."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from timonel.canary.cutting import Counted, Totals
from timonel.monitor.monitor import ModelMonitor
from timonel.monitor.served import LATENCY_EDGES_MS
from timonel_serving.monitor.models.states import DetectorStatus

if TYPE_CHECKING:
    from timonel.ledger import Ledger

EPOCH = datetime.fromtimestamp(0, UTC)
BACK = timedelta(days=1)
"""How far before the newest event counts begin: events of clocks that are behind are counted, too."""


class Source(Protocol):
    """A model that is watched."""

    monitor: ModelMonitor

    @property
    def ledger(self) -> "Ledger | None":
        """Where decisions are kept; None: nowhere."""

    def now(self) -> float:
        """The wall clock."""

    def detectors(self) -> tuple[DetectorStatus, ...]:
        """Those that should be at work."""


def beginning(source: Source) -> datetime:
    """From when on counts are added up, in event time; while nothing has been counted, from the first on."""
    newest = source.monitor.newest
    start = EPOCH if newest is None else max(newest - BACK, EPOCH)
    return start.replace(minute=0, second=0, microsecond=0)


def totals_since(source: Source, start: datetime) -> Totals:
    """All that has been counted since."""
    found = source.monitor.served(start)
    versions = {
        one.version: Counted(version=one.version, latency=one.latency, **asdict(one.requests))
        for one in found.versions
    }
    return Totals(edges_ms=LATENCY_EDGES_MS, versions=versions)


def silences(source: Source, opened: datetime, now: datetime, patience: timedelta) -> Iterator[str]:
    """Why counts may not be all: detectors that are not heard, of those that were since the opening."""
    known = source.detectors()
    if not known:
        yield "no detector is at work: nothing is counted"
    for one in known:
        if one.last_heard >= opened - patience and now - one.last_heard > patience:
            yield (
                f"the detector {one.name} has been silent since {one.last_heard:%H:%M:%S} UTC: what it "
                "has seen is not counted; start it again, or sign it off if its pod is gone"
            )
