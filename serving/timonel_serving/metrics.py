"""What the predictor counts beside KServe's own histograms: all with the model's version."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from timonel.contract import Violation

_MAX_VIOLATION_SERIES = 1000
_OTHER = "(other)"
_BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """The predictor's own time series in one Prometheus registry."""

    def __init__(self, registry: CollectorRegistry, *, model: str, version: str) -> None:
        who = {"model_name": model, "version": version}
        labels = ("model_name", "version")
        self._requests = Counter(
            "timonel_requests_total",
            "Inference requests by outcome",
            (*labels, "protocol", "code"),
            registry=registry,
        )
        self._seconds = Histogram(
            "timonel_request_seconds",
            "Time from the request's body to its response",
            (*labels, "protocol"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._violations = Counter(
            "timonel_contract_violations_total",
            "Rows that broke the data contract",
            (*labels, "column", "rule"),
            registry=registry,
        )
        self._rows = Counter("timonel_rows_total", "Rows scored", labels, registry=registry).labels(
            **who
        )
        self._log_sent = Counter(
            "timonel_log_events_total", "Inference events delivered", labels, registry=registry
        ).labels(**who)
        self._log_dropped = Counter(
            "timonel_log_dropped_total",
            "Inference events given up",
            (*labels, "reason"),
            registry=registry,
        )
        self._queue = Gauge(
            "timonel_queue_depth", "Requests that wait for the model", labels, registry=registry
        ).labels(**who)
        self._log_queue = Gauge(
            "timonel_log_queue_depth",
            "Inferences that wait to be logged",
            labels,
            registry=registry,
        ).labels(**who)
        self._info = Gauge(
            "timonel_model_info",
            "The model in service; always 1",
            (*labels, "backend", "digest"),
            registry=registry,
        )
        self._who = who
        self._request_series: dict[tuple[str, str], Counter] = {}
        self._second_series = {
            p: self._seconds.labels(**who, protocol=p) for p in ("v1", "v2", "grpc")
        }
        self._violation_series: dict[tuple[str, str], Counter] = {}

    def describe(self, *, backend: str, digest: str) -> None:
        """Say which package is in service."""
        self._info.labels(**self._who, backend=backend, digest=digest).set(1)

    def watch(self, queue: Callable[[], float], log_queue: Callable[[], float]) -> None:
        """Read the queues' depths whenever the metrics are."""
        self._queue.set_function(queue)
        self._log_queue.set_function(log_queue)

    def request(self, protocol: str, code: str, seconds: float) -> None:
        """Count a request by its outcome: ok, or the code of its problem."""
        series = self._request_series.get((protocol, code))
        if series is None:
            series = self._requests.labels(**self._who, protocol=protocol, code=code)
            self._request_series[protocol, code] = series
        series.inc()
        self._second_series[protocol].observe(seconds)

    def rows(self, count: int) -> None:
        """Count scored rows."""
        self._rows.inc(count)

    def violations(self, found: Sequence[Violation]) -> None:
        """Count violations by column and rule, in a bounded number of series."""
        for violation in found:
            key = (violation.column, violation.rule.value)
            if (
                key not in self._violation_series
                and len(self._violation_series) >= _MAX_VIOLATION_SERIES
            ):
                key = (_OTHER, violation.rule.value)
            series = self._violation_series.get(key)
            if series is None:
                series = self._violations.labels(**self._who, column=key[0], rule=key[1])
                self._violation_series[key] = series
            series.inc(max(1, violation.rows))

    def log_sent(self) -> None:
        """Count a delivered event."""
        self._log_sent.inc()

    def log_dropped(self, reason: str, count: int = 1) -> None:
        """Count events given up, by reason."""
        self._log_dropped.labels(**self._who, reason=reason).inc(count)
