"""What the routes share."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from timonel_serving.monitor.access import Access
from timonel_serving.monitor.gate import Gate
from timonel_serving.monitor.models.station import Station
from timonel_serving.monitor.rounds.judging import Judging

MAX_BODY = "monitoring.monitor.max_body_mb"


@dataclass(frozen=True)
class Service:
    """A station and its doors."""

    station: Station
    judging: Judging
    access: Access
    gate: Gate
    registry: CollectorRegistry
    max_body: int
    """Bytes."""
