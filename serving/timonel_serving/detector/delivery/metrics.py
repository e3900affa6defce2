"""The time series of deliveries, by destination."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from timonel_serving.detector.delivery.delivery import Delivery

_LABEL = ["destination"]


def deliveries(prefix: str, found: Sequence[Delivery]) -> Iterator[Metric]:
    """What became of rows, and what waits."""
    yield _rows(prefix, found)
    retries = CounterMetricFamily(
        prefix + "delivery_retries", "Attempts that were repeated", labels=_LABEL
    )
    stalled = CounterMetricFamily(
        prefix + "delivery_stalled_seconds",
        "Seconds from a first failed attempt to the one that succeeded",
        labels=_LABEL,
    )
    rows = GaugeMetricFamily(prefix + "outbox_rows", "Rows that wait in memory", labels=_LABEL)
    size = GaugeMetricFamily(prefix + "outbox_bytes", "Their bytes", labels=_LABEL)
    oldest = GaugeMetricFamily(
        prefix + "outbox_oldest_seconds", "How long the oldest of them has waited", labels=_LABEL
    )
    for one in found:
        label = [one.destination.name]
        retries.add_metric(label, one.standing.retries)
        stalled.add_metric(label, one.standing.stalled_seconds)
        rows.add_metric(label, one.outbox.rows)
        size.add_metric(label, one.outbox.size)
        oldest.add_metric(label, one.outbox.oldest)
    yield from (retries, stalled, rows, size, oldest)


def _rows(prefix: str, found: Sequence[Delivery]) -> Metric:
    family = CounterMetricFamily(
        prefix + "delivered_rows",
        "Rows by destination: delivered, known there from before a restart, refused for good",
        labels=["destination", "outcome"],
    )
    for one in found:
        standing, name = one.standing, one.destination.name
        family.add_metric([name, "delivered"], standing.delivered)
        family.add_metric([name, "known"], standing.known)
        family.add_metric([name, "refused"], standing.refused)
    return family
