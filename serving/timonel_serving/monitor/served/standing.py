"""What serves, as plain data, and in words."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from timonel.anomalies.words import clock
from timonel_serving.monitor.served.file import Serving


class ServingState(StrEnum):
    """Whether it is known what serves."""

    KNOWN = "known"
    UNREADABLE = "unreadable"
    """The file is missing or malformed: what it said last may hold no more."""
    UNSET = "unset"
    """No file says it."""


@dataclass(frozen=True)
class Serves:
    """What serves."""

    state: ServingState
    what: Serving | None = None
    """Where the state is unreadable: what was known last."""
    since: datetime | None = None
    """Since when the stable version serves, as this monitor saw it; by the wall clock."""
    trouble: str = ""

    @property
    def sentence(self) -> str:
        """For people."""
        if self.state is ServingState.UNREADABLE:
            return f"What serves is not known: {self.trouble}."
        if self.what is None:
            return "What serves is not known: no file says it."
        found = f"Version {self.what.stable} serves"
        if self.since is not None:
            found += f" since {clock(self.since)} UTC"
        if self.what.canary is None:
            return f"{found}, no canary."
        return f"{found}, canary {self.what.canary} at {self.what.weight} %."
