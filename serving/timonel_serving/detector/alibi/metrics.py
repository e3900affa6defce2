"""What is known of Alibi Detect's process and its verdicts: absent where nothing is known."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge

from timonel_serving.detector.alibi.messages import Ready, Verdict

_PREFIX = "timonel_detector_alibi_"
_MOST_TESTS = 200
"""Of more tests those with the smallest p-values have series."""


class AlibiMetrics:
    """The time series, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._verdicts = self._counter("verdicts", "Windows judged, by what came of it", "outcome")
        self._rows = self._counter("rows", "Rows offered, by what became of them", "outcome")
        self._shed = self._counter("batches_shed", "Batches for which there was no room")
        self._restarts = self._counter("worker_restarts", "Times the process was started anew")
        self._events = self._counter("events", "Verdicts for the sink, by outcome", "outcome")
        self._seconds = self._counter("predict_seconds", "Time that the verdicts took")
        self.up = self._gauge("worker_up", "Whether the process has its detector")
        self.given_up = self._gauge("worker_given_up", "Whether it is not started any more")
        self._drift = self._gauge("is_drift", "Whether the last window drifted", "detector")
        self._at = self._gauge("last_verdict_timestamp_seconds", "When that was", "detector")
        self._p = self._gauge("p_value", "Of the last window, uncorrected", "test")
        self._distance = self._gauge("distance", "Of the last window: the test's statistic", "test")
        self._memory = self._gauge("worker_memory_bytes", "Resident", "detector")

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}{name}_total", what, labels, registry=self.registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(_PREFIX + name, what, labels, registry=self.registry)

    def shed(self, rows: int) -> None:
        """Count a batch that found no room."""
        self._shed.inc()
        self._rows.labels("shed").inc(rows)

    def rows(self, outcome: str, rows: int) -> None:
        """Count rows that were taken."""
        self._rows.labels(outcome).inc(rows)

    def ready(self, said: Ready) -> None:
        """The process has its detector."""
        self.up.set(1)
        self._memory.labels(said.detector).set(said.memory)

    def gone(self, *, for_good: bool) -> None:
        """The process is gone: it comes again, or not."""
        self.up.set(0)
        if for_good:
            self.given_up.set(1)
        else:
            self._restarts.inc()

    def verdict(self, said: Verdict, at: float) -> None:
        """Count a verdict, and show what it says."""
        report = said.report
        state, alarm, detector = report["state"], report["alarm"], str(report["detector"])
        outcome = ("drift" if alarm else "no_drift") if state == "ok" else state.replace(" ", "_")
        self._verdicts.labels(outcome).inc()
        self._seconds.inc(said.seconds)
        self._memory.labels(detector).set(said.memory)
        if state == "ok":
            self._drift.labels(detector).set(bool(alarm))
            self._at.labels(detector).set(at)
        self._show(report["tests"])

    def _show(self, tests: list[Mapping[str, Any]]) -> None:
        self._p.clear()
        self._distance.clear()
        known = sorted((t for t in tests if t["p"] is not None), key=lambda t: float(t["p"]))
        for test in known[:_MOST_TESTS]:
            self._p.labels(test["name"]).set(test["p"])
            if test["statistic"] is not None:
                self._distance.labels(test["name"]).set(test["statistic"])

    def log_sent(self) -> None:
        """Count a verdict that the sink took."""
        self._events.labels("sent").inc()

    def log_dropped(self, reason: str, count: int = 1) -> None:
        """Count verdicts that it did not take."""
        self._events.labels(reason).inc(count)
