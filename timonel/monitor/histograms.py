"""Features beside the reference, as histograms."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan import effects
from timonel.drift.scan.effects import unit
from timonel.errors import BadInput
from timonel.monitor.feature_windows import FeatureWindows
from timonel.monitor.report.view import Histogram
from timonel.monitor.spans import Span
from timonel.monitor.tracker import Tracker
from timonel.reference.bins import BINS, NULL, OTHER, Bins, NumericBins
from timonel.windows.layout import DAY

Counts = NDArray[np.int64]

MOST_FEATURES = 6
"""Features whose distribution is drawn: those that drifted most."""


def histograms(features: FeatureWindows, span: Span) -> Iterator[Histogram]:
    """The last day beside the reference, the features that differ most first."""
    counts = features.between(max(span.start, span.end - DAY), span.end)
    found = effects(counts, features.counts, features.bins) / [unit(b) for b in features.bins]
    for j in np.argsort(-np.nan_to_num(found))[:MOST_FEATURES]:
        yield _histogram(features, int(j), counts[j])


def histogram_of(tracker: Tracker, feature: str, start: int, end: int) -> Histogram:
    """One feature of a stretch of time beside the reference; BadInput for one that is not watched."""
    features = tracker.features
    names = [] if features is None else [one.name for one in features.bins]
    if features is None or feature not in names:
        raise BadInput(
            f"the feature {feature!r} is not watched",
            fix=f"choose one of {', '.join(names[:20])}"
            if names
            else "wait until learning is over",
        )
    j = names.index(feature)
    return _histogram(features, j, features.between(start, end)[j])


def _histogram(features: FeatureWindows, j: int, now: Counts) -> Histogram:
    one, before = features.bins[j], features.counts[j]
    (found,) = effects(now[None], before[None], (one,)) / unit(one)
    cells = [c for c in range(len(before)) if before[c] or now[c]]
    return Histogram(
        feature=one.name,
        labels=tuple(_label(one, c) for c in cells),
        reference=_shares(before, cells),
        current=_shares(now, cells),
        n_reference=int(before.sum()),
        n_current=int(now.sum()),
        effect=float(found) if np.isfinite(found) else None,
        unit="sd" if isinstance(one, NumericBins) else "of the rows, twice",
    )


def _shares(counts: NDArray[np.int64], cells: list[int]) -> tuple[float, ...]:
    return tuple((counts[cells] / max(int(counts.sum()), 1)).tolist())


def _label(bins: Bins, cell: int) -> str:
    if cell == NULL:
        return "missing"
    if cell == OTHER:
        return "not a number" if isinstance(bins, NumericBins) else "other"
    if not isinstance(bins, NumericBins):
        return bins.categories[cell]
    low = f"{bins.edges[cell - 1]:.3g}" if cell else ""
    high = f"{bins.edges[cell]:.3g}" if cell < min(BINS - 1, len(bins.edges)) else ""
    return f"{low} to {high}" if low and high else f"below {high}" if high else f"{low} and more"
