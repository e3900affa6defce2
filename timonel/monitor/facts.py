"""Facts of a window that need no statistics: a feature that is gone, or of another type."""

from collections.abc import Iterator

from timonel.anomalies import Fact, Found, Where
from timonel.monitor.feature_windows import SCORE, FeatureWindows
from timonel.monitor.spans import Span
from timonel.monitor.times import as_datetime
from timonel.reference import NumericBins
from timonel.reference.bins import NULL, OTHER

NEARLY_ALL = 0.99
"""A feature is gone, or of another type, where so many of its values are."""
USUAL = 0.5
"""What is so in more of the reference's rows than this is no news."""
LEAST_ROWS = 20


def facts_of(features: FeatureWindows, span: Span) -> Iterator[Found]:
    """What holds of the features in the window."""
    counts = features.between(span.start, span.end)
    for j, bins in enumerate(features.bins):
        rows = int(counts[j].sum())
        if rows < LEAST_ROWS or bins.name == SCORE:
            continue
        before = features.counts[j] / max(features.counts[j].sum(), 1)
        for cell, fact in ((NULL, Fact.FEATURE_GONE), (OTHER, Fact.TYPE_CHANGED)):
            held = int(counts[j, cell])
            odd_type = fact is Fact.TYPE_CHANGED and not isinstance(bins, NumericBins)
            if held >= NEARLY_ALL * rows and before[cell] < USUAL and not odd_type:
                start, end = as_datetime(span.start), as_datetime(span.end)
                yield Found(start, end, fact, Where(feature=bins.name), held, rows)
