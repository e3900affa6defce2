"""Values that a feature should not have: missing, of another type, or of a class that was never seen."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from timonel.monitor.feature_windows import SCORE, FeatureWindows
from timonel.monitor.report.view import Violation
from timonel.monitor.spans import Span
from timonel.monitor.times import as_datetime
from timonel.reference.bins import NULL, OTHER, NumericBins


def broken(
    features: FeatureWindows, counts: NDArray[np.int64], steps: Sequence[Span]
) -> tuple[Violation, ...]:
    """One entry a feature and kind that occurred.

    Args:
        features: what is watched, with the reference.
        counts: rows by window, feature and cell.
        steps: the windows.
    """
    found = []
    total, before = counts.sum(axis=0), features.counts
    for j, bins in enumerate(features.bins):
        if bins.name == SCORE:
            continue
        other = "not a number" if isinstance(bins, NumericBins) else "a value never seen before"
        for cell, what in ((NULL, "missing"), (OTHER, other)):
            rows, of = int(total[j, cell]), int(total[j].sum())
            if rows:
                last = int(np.flatnonzero(counts[:, j, cell])[-1])
                usual = float(before[j, cell] / max(before[j].sum(), 1))
                found.append(
                    Violation(bins.name, what, rows, of, as_datetime(steps[last].end), usual)
                )
    return tuple(found)
