"""The monitor's time series: what was read at the last judging. Without data a series is absent."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from timonel.anomalies import Anomaly, Severity
from timonel.anomalies.words import DRIFT
from timonel_serving.monitor.models.readings import WINDOWS, Readings
from timonel_serving.monitor.models.states import HealthState
from timonel_serving.monitor.models.station import Station, Watched
from timonel_serving.monitor.rollouts.series import rollout_series
from timonel_serving.monitor.rounds.judging import Judging

MOST_FEATURES = 200
"""Features with a series of their own: those that drifted most."""
_STATUSES = ("ok", "error", "timeout", "rejected")
_MARKED = {
    "null": "Predictions without a value, though the request did not fail",
    "slow": "Predictions slower than monitoring.latency_slo_ms",
    "violating": "Predictions of rows that break the data contract",
}
_FIGURE = ["model", "version", "metric", "window"]


class MonitorMetrics(Collector):
    """Reads what is known already: a scrape computes nothing."""

    def __init__(self, station: Station, judging: Judging) -> None:
        self._station, self._judging = station, judging

    def collect(self) -> Iterator[Metric]:
        """The series of all models; their labels are bounded."""
        models = [self._station.model(name) for name in self._station.names]
        read = [(one, found) for one in models if (found := one.last_readings) is not None]
        for families in (_states, _figures, _drift, _open, _labels):
            yield from families(read)
        for counted in (_served, _detectors, _rejected):
            yield from counted(models)
        yield from rollout_series(models)
        yield from self._rounds()

    def _rounds(self) -> Iterator[Metric]:
        judging = self._judging
        yield _known(
            "timonel_monitor_heartbeat_timestamp_seconds",
            "End of the last whole round of judging, by the wall clock",
            [],
            [((), judging.heartbeat)],
        )
        yield _known(
            "timonel_monitor_round_seconds",
            "How long that round took",
            [],
            [((), judging.round_seconds)],
        )


Read = Iterable[tuple[Watched, Readings]]
Sample = tuple[tuple[str, ...], float | None]


def _known(name: str, what: str, labels: list[str], samples: Iterable[Sample]) -> Metric:
    """A gauge of those samples that have a value."""
    family = GaugeMetricFamily(name, what, labels=labels)
    for values, value in samples:
        if value is not None:
            family.add_metric(values, value)
    return family


def _states(read: Read) -> Iterator[Metric]:
    yield _known(
        "timonel_model_state",
        "1 for the state that the model is in",
        ["model", "state"],
        [
            ((model.name, state.value), float(state is now))
            for model, _ in read
            for now in [model.health().state]
            for state in HealthState
        ],
    )


def _figures(read: Read) -> Iterator[Metric]:
    figures = [
        ((model.name, version, metric, window), value)
        for model, found in read
        for (version, window), values in found.metrics.items()
        for metric, value in values.items()
        if value.ok
    ]
    for suffix, what, pick in (
        ("", "Value", lambda v: v.value),
        ("_lower", "Lower end of the 95 % interval", lambda v: v.lower),
        ("_upper", "Upper end of the 95 % interval", lambda v: v.upper),
        ("_rows", "Rows behind it", lambda v: float(v.n)),
    ):
        text = f"{what} of a metric over the newest {' or '.join(WINDOWS)} of event time"
        samples = [(labels, pick(value)) for labels, value in figures]
        yield _known(f"timonel_metric{suffix}", text, _FIGURE, samples)
    yield _known(
        "timonel_metric_baseline",
        "Where the newest six hours should lie if the model is healthy",
        ["model", "metric", "bound"],
        [
            ((model.name, metric, bound), value)
            for model, found in read
            for metric, band in found.standing.bands.items()
            for bound, value in zip(("lower", "upper"), band, strict=True)
        ],
    )


def _drift(read: Read) -> Iterator[Metric]:
    yield _known(
        "timonel_drift_effect",
        "The last day of a feature against the reference, in standard deviations",
        ["model", "feature"],
        [
            ((model.name, feature), value)
            for model, found in read
            for feature, value in _furthest(found)
        ],
    )


def _furthest(found: Readings) -> list[tuple[str, float]]:
    known = [(name, float(effect)) for name, effect in found.standing.drift.items() if effect.ok]
    return sorted(known, key=lambda one: -one[1])[:MOST_FEATURES]


def _open(read: Read) -> Iterator[Metric]:
    kinds: Mapping[str, tuple[str, Callable[[Anomaly], bool]]] = {
        "timonel_anomalies_open": ("Anomalies that are open", lambda _: True),
        "timonel_drift_episodes_open": ("Those of them that are drift", lambda a: a.what == DRIFT),
    }
    for name, (what, belongs) in kinds.items():
        samples: list[Sample] = []
        for model, found in read:
            counts = Counter(a.severity for a in found.standing.open if belongs(a))
            if found.standing.newest is not None:
                samples += [((model.name, s.value), float(counts[s])) for s in Severity]
        yield _known(name, what, ["model", "severity"], samples)


def _labels(read: Read) -> Iterator[Metric]:
    outcomes = CounterMetricFamily(
        "timonel_labels", "Labels by what became of them", labels=["model", "outcome"]
    )
    for model, found in read:
        for outcome, count in found.standing.labels.counts.tally.items():
            outcomes.add_metric([model.name, outcome], count)
    yield outcomes
    for name, what, pick in (
        (
            "timonel_labels_waiting",
            "Labels held until their prediction comes",
            lambda s: float(s.labels.counts.waiting),
        ),
        (
            "timonel_labels_mature_share",
            "Of the newest day whose labels should have come, the share of predictions with one",
            lambda s: s.labels.mature_share.value,
        ),
        (
            "timonel_newest_label_timestamp_seconds",
            "When the newest label that counts arrived, in event time",
            lambda s: s.labels.newest and s.labels.newest.timestamp(),
        ),
        (
            "timonel_newest_event_timestamp_seconds",
            "Time of the newest event",
            lambda s: s.newest and s.newest.timestamp(),
        ),
    ):
        samples = [((model.name,), pick(found.standing)) for model, found in read]
        yield _known(name, what, ["model"], samples)


def _served(models: Iterable[Watched]) -> Iterator[Metric]:
    labels = ["model", "version"]
    by_status = CounterMetricFamily(
        "timonel_predictions", "Predictions by status", labels=[*labels, "status"]
    )
    marked = {
        name: CounterMetricFamily(f"timonel_predictions_{name}", what, labels=labels)
        for name, what in _MARKED.items()
    }
    for model in models:
        for version, counts in model.counters.served.copy().items():
            for status in _STATUSES:
                by_status.add_metric([model.name, version, status], counts[status])
            for name, family in marked.items():
                family.add_metric([model.name, version], counts[name])
    yield from (by_status, *marked.values())


def _detectors(models: Iterable[Watched]) -> Iterator[Metric]:
    known = [((m.name, one.name), one) for m in models for one in m.detectors()]
    for suffix, what, pick in (
        (
            "last_seen_timestamp_seconds",
            "When a detector was last heard of, by the wall clock",
            lambda one: one.last_heard.timestamp(),
        ),
        (
            "lag_seconds",
            "How far its newest event lies behind that of all detectors, in event time",
            lambda one: one.lag_seconds,
        ),
        ("up", "1 unless it is stale", lambda one: float(not one.stale)),
        (
            "contested",
            "1 while another one of its name is at work, whose deliveries are refused",
            lambda one: float(one.contested),
        ),
    ):
        samples = [(labels, pick(one)) for labels, one in known]
        yield _known(f"timonel_detector_{suffix}", what, ["model", "detector"], samples)


def _rejected(models: Iterable[Watched]) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "timonel_monitor_rejected",
        "Deliveries refused, by the code of the problem",
        labels=["model", "reason"],
    )
    for model in models:
        for reason, count in model.counters.refused.copy().items():
            family.add_metric([model.name, reason], count)
    yield family
