"""What is asked for all the time, read once a round: a scrape costs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from timonel.monitor.monitor import ModelMonitor
from timonel.monitor.standing import Standing
from timonel.performance.value import Measured

WINDOWS = ("1h", "1d")

Key = tuple[str, str]
"""Version, "" for all together, and window."""


@dataclass(frozen=True, eq=False)
class Readings:
    """A model at one moment."""

    at: float
    """By the wall clock, seconds since 1970."""
    standing: Standing
    metrics: Mapping[Key, Mapping[str, Measured]]


def read(monitor: ModelMonitor, now: float) -> Readings:
    """Judge what is over, and read the newest hour and day of all versions."""
    standing = monitor.standing()
    versions = ("", *(v for v in standing.versions if v))
    known = standing.newest is not None
    found = {
        (version, window): dict(
            monitor.calculate_metrics(window, version=version or None).values.items()
        )
        for version in (versions if known else ())
        for window in WINDOWS
    }
    return Readings(now, standing, found)
