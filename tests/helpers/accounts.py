"""What every test of the monitor asks besides: that no prediction and no label is lost unsaid."""

from timonel import ModelMonitor
from timonel.monitor.metrics import Metrics

LOST_PREDICTIONS = frozenset(
    {
        "timestamp is unreadable",
        "prediction older than the retention",
        "prediction held back: its time lies far ahead",
        "timestamp lies too far ahead: given up",
    }
)
"""Reasons for which a prediction is not counted; all others say what of it could not be used."""

LOST_LABELS = frozenset(
    {
        "label is none of the model's classes",
        "label without a prediction id or a value",
        "label that said what was known",
        "label that corrected an earlier one",
        "label older than the one that stands",
        "label that contradicts another of the same time",
        "label for an unknown prediction: given up",
        "label that waits for its prediction",
    }
)
"""Reasons for which a label that came adds no labelled prediction."""


def assert_nothing_lost(
    monitor: ModelMonitor, predictions: int, labels: int | None = None
) -> Metrics:
    """What was sent is counted, or counted under the reason why not; returns the metrics of all.

    `labels` are those given with a prediction, or later by its id.
    """
    found = monitor.calculate_metrics(start=0)
    lost = {reason: n for reason, n in found.rejected.items() if reason in LOST_PREDICTIONS}
    assert found.n + sum(lost.values()) == predictions, dict(found.rejected)
    if labels is not None:
        unused = {reason: n for reason, n in found.rejected.items() if reason in LOST_LABELS}
        assert found.n_labelled + sum(unused.values()) == labels, dict(found.rejected)
    return found
