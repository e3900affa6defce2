"""One metric of one window, as the watch takes it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from timonel.anomalies.anomaly import ANYWHERE, Where
from timonel.errors import BadInput
from timonel.performance.value import Measured

TRAFFIC = "throughput_per_s"
"""The metric whose windows without rows say that the traffic has stopped."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric over [start, end), in event time with a zone."""

    start: datetime
    end: datetime
    metric: str
    value: Measured
    where: Where = ANYWHERE

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise BadInput(
                f"the reading of {self.metric} at {self.start} has no time zone", fix="give UTC"
            )
        if self.end <= self.start:
            raise BadInput(
                f"the reading of {self.metric} ends at {self.end}, not after its start {self.start}"
            )

    @property
    def span(self) -> timedelta:
        """The window's length."""
        return self.end - self.start
