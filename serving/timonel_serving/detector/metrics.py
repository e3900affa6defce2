"""The detector's time series: counts by reason, and how far the reader is behind."""

from collections.abc import Callable, Iterator
from enum import StrEnum

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from timonel_serving.detector.half import Refusal
from timonel_serving.detector.spool import Spool
from timonel_serving.detector.tally import Fold, Intake, Outcome, Tally

_PREFIX = "timonel_detector_"
_COUNTED: dict[str, tuple[type[StrEnum], str]] = {
    "messages": (Intake, "Messages by what became of them; of those taken their events"),
    "refused_events": (Refusal, "Events that were not taken, by reason"),
    "events": (Outcome, "Events read from the spool, by what became of them"),
    "inferences": (Fold, "Joined inferences, by what became of them"),
}


class DetectorMetrics(Collector):
    """Reads the counts whenever Prometheus asks."""

    def __init__(self, tally: Tally, spool: Spool, waiting: Callable[[], int]) -> None:
        self._tally, self._spool, self._waiting = tally, spool, waiting

    def collect(self) -> Iterator[Metric]:
        """The series; their labels are the members of fixed enums."""
        for name, (kind, what) in _COUNTED.items():
            family = CounterMetricFamily(_PREFIX + name, what, labels=["outcome"])
            for outcome, count in self._tally.of(kind).items():
                family.add_metric([outcome], count)
            yield family
        yield from self._losses()
        yield GaugeMetricFamily(
            _PREFIX + "spool_bytes", "Bytes kept in the spool", self._spool.size
        )
        yield GaugeMetricFamily(
            _PREFIX + "spool_unread_bytes", "Bytes that wait to be folded", self._spool.unread
        )
        yield GaugeMetricFamily(
            _PREFIX + "halves_waiting", "Events that wait for their other half", self._waiting()
        )

    def _losses(self) -> Iterator[Metric]:
        losses = self._spool.losses
        dropped = CounterMetricFamily(
            _PREFIX + "spool_dropped_events",
            "Events dropped because the spool was full, by whether they had been read",
            labels=["state"],
        )
        dropped.add_metric(["unread"], losses.shed)
        dropped.add_metric(["read"], losses.forgotten)
        yield dropped
        damaged = CounterMetricFamily(
            _PREFIX + "spool_damaged_bytes", "Bytes that could not be read back", labels=["place"]
        )
        damaged.add_metric(["end"], losses.truncated_bytes)
        damaged.add_metric(["middle"], losses.corrupt_bytes)
        yield damaged
