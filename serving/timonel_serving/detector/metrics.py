"""The detector's time series: counts by reason, and how far reading and delivering are behind."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from timonel_serving.detector.delivery.metrics import deliveries
from timonel_serving.detector.folding import Folding
from timonel_serving.detector.half import Refusal
from timonel_serving.detector.judging import Judging
from timonel_serving.detector.onward import Onward
from timonel_serving.detector.spool import Spool
from timonel_serving.detector.tally import Fold, Intake, Outcome, Tally

_PREFIX = "timonel_detector_"
_COUNTED: dict[str, tuple[type[StrEnum], str]] = {
    "messages": (Intake, "Messages by what became of them; of those taken their events"),
    "refused_events": (Refusal, "Events that were not taken, by reason"),
    "events": (Outcome, "Events read from the spool, by what became of them"),
    "inferences": (Fold, "Joined inferences, by what became of them"),
}


@dataclass(frozen=True, eq=False)
class DetectorMetrics(Collector):
    """Reads the counts whenever Prometheus asks."""

    tally: Tally
    spool: Spool
    folding: Folding
    onward: Onward
    judging: Judging

    def collect(self) -> Iterator[Metric]:
        """The series; their labels are the members of fixed enums."""
        for name, (kind, what) in _COUNTED.items():
            family = CounterMetricFamily(_PREFIX + name, what, labels=["outcome"])
            for outcome, count in self.tally.of(kind).items():
                family.add_metric([outcome], count)
            yield family
        yield from self._losses()
        yield from self._broken()
        yield from self._abnormal()
        yield from deliveries(_PREFIX, self.onward.deliveries)
        yield CounterMetricFamily(
            _PREFIX + "held_seconds",
            "Seconds in which nothing was read, for ledger or monitor had too much to take already",
            self.folding.held,
        )
        yield GaugeMetricFamily(_PREFIX + "spool_bytes", "Bytes kept in the spool", self.spool.size)
        yield GaugeMetricFamily(
            _PREFIX + "spool_unread_bytes", "Bytes that wait to be folded", self.spool.unread
        )
        yield GaugeMetricFamily(
            _PREFIX + "halves_waiting",
            "Events that wait for their other half",
            self.folding.waiting,
        )

    def _broken(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            _PREFIX + "violations",
            "Rows that break the data contract, by column and rule; (other): columns it does not name",
            labels=["column", "kind"],
        )
        for (column, kind), rows in sorted(self.onward.violations.items()):
            family.add_metric([column, kind], rows)
        yield family

    def _abnormal(self) -> Iterator[Metric]:
        drift = GaugeMetricFamily(
            _PREFIX + "drift_episodes_open",
            "Open episodes of drift in this detector's own windows",
            labels=["severity"],
        )
        other = GaugeMetricFamily(
            _PREFIX + "anomalies_open",
            "Other open anomalies in this detector's own windows",
            labels=["severity"],
        )
        for family, is_drift in ((drift, True), (other, False)):
            for severity, count in self.judging.counted(drift=is_drift).items():
                family.add_metric([str(severity)], count)
            yield family

    def _losses(self) -> Iterator[Metric]:
        losses = self.spool.losses
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
