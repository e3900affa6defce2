"""What the predictor counts beside KServe's own histograms: all with the model's version."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from timonel.contract import Violation

_MAX_VIOLATION_SERIES = 1000
_OTHER = "(other)"
_WHO = ("model_name", "version")
_PACKAGE = ("backend", "digest")
_BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """The predictor's own time series in one Prometheus registry."""

    def __init__(self, registry: CollectorRegistry, *, model: str, version: str) -> None:
        self._registry = registry
        self._who = {"model_name": model, "version": version}
        self._requests = self._counter("requests", "Requests by outcome", "protocol", "code")
        self._violations = self._counter(
            "contract_violations", "Rows that broke the data contract", "column", "rule"
        )
        self._log_dropped = self._counter("log_dropped", "Inferences not delivered", "reason")
        self._rows = self._counter("rows", "Rows scored").labels(**self._who)
        self._log_sent = self._counter("log_events", "Inferences delivered").labels(**self._who)
        self._queue = self._gauge("queue_depth", "Requests that wait for the model")
        self._log_queue = self._gauge("log_queue_depth", "Inferences that wait to be delivered")
        self._info = self._gauge("model_info", "The model in service; always 1", *_PACKAGE)
        self._request_series: dict[tuple[str, str], Counter] = {}
        self._second_series = self._seconds()
        self._violation_series: dict[tuple[str, str], Counter] = {}

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"timonel_{name}_total", what, (*_WHO, *labels), registry=self._registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"timonel_{name}", what, (*_WHO, *labels), registry=self._registry)

    def _seconds(self) -> dict[str, Histogram]:
        """A histogram for each protocol."""
        seconds = Histogram(
            "timonel_request_seconds",
            "Time from the request's body to its response",
            (*_WHO, "protocol"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        return {p: seconds.labels(**self._who, protocol=p) for p in ("v1", "v2", "grpc")}

    def describe(self, *, backend: str, digest: str) -> None:
        """Say which package is in service."""
        self._info.labels(**self._who, backend=backend, digest=digest).set(1)

    def watch(self, queue: Callable[[], float], log_queue: Callable[[], float]) -> None:
        """Read the queues' depths whenever the metrics are."""
        self._queue.labels(**self._who).set_function(queue)
        self._log_queue.labels(**self._who).set_function(log_queue)

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
