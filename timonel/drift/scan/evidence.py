"""What is known of a drift besides its size: since when, in which direction, in which cells."""

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.calibration import Calibration
from timonel.drift.scan.effects import measures
from timonel.drift.scan.episodes import Describe, Particulars
from timonel.drift.scan.pools import Scale
from timonel.drift.scan.windows import WINDOW, Counts, History, Times
from timonel.drift.scan.yardstick import Tallies
from timonel.reference.bins import BINS, NULL, OTHER, Bins, NumericBins

Floats = NDArray[np.float64]


def describer(calibration: Calibration, recent: History) -> Describe:
    """Describes a feature's drift as of the last of the windows, at most a day of them."""
    at = calibration.yardstick.at(recent.time)

    def describe(j: int, scale: Scale) -> Particulars:
        reference = calibration.yardstick.counts[:, j]
        return particulars(
            recent.time, recent.counts[:, j], at, reference, calibration.bins[j], scale
        )

    return describe


def particulars(
    time: Times, counts: Counts, at: NDArray[np.intp], reference: Tallies, bins: Bins, scale: Scale
) -> Particulars:
    """Of one feature over the last day: (T,), (T, 42), (T,) and (K, 42); `scale` is the pool to describe."""
    expected = _expected(counts, at, reference)
    pool = time > time[-1] - scale.windows * WINDOW
    found, usual = counts[pool].sum(0, dtype=np.int64), expected[pool].sum(0)
    since = time[_onset(counts, expected, bins)]
    evidence = {**_shares(found, usual), **_shift(found, usual, bins)}
    return Particulars(int(found.sum()), int(since), evidence)


def _expected(counts: Counts, at: NDArray[np.intp], reference: Tallies) -> Floats:
    rows = np.maximum(reference.sum(1, keepdims=True), 1)
    return np.asarray((reference / rows)[at] * counts.sum(1, keepdims=True))


def _onset(counts: Counts, expected: Floats, bins: Bins) -> int:
    """The window from which on the difference, for its number of rows, is largest."""
    since = np.cumsum((counts - expected)[::-1], axis=0)[::-1]
    rows = np.maximum(np.cumsum(counts.sum(1)[::-1])[::-1], 1)
    far = [np.abs(since @ m.into) @ m.weights / np.sqrt(rows) for m in measures(bins)]
    return int(np.argmax(np.max(far, axis=0)))


def _shares(found: NDArray[np.int64], usual: Floats) -> dict[str, float]:
    rows = max(float(found.sum()), 1.0)
    named = {"null_share": NULL, "other_share": OTHER}
    seen = {name: float(found[cell]) / rows for name, cell in named.items()}
    before = {f"{name}_reference": float(usual[cell]) / rows for name, cell in named.items()}
    return seen | before


def _shift(found: NDArray[np.int64], usual: Floats, bins: Bins) -> dict[str, float]:
    """Numbers: the mean's move in sd, down is negative. Categories: the cell that moved most."""
    if isinstance(bins, NumericBins):
        values, base = max(found[:BINS].sum(), 1), max(usual[:BINS].sum(), 1e-9)
        fewer = (np.cumsum(usual[:BINS]) / base - np.cumsum(found[:BINS]) / values)[
            : len(bins.gaps)
        ]
        return {"shift_sd": float(fewer @ bins.gaps)}
    rows = max(float(found.sum()), 1.0)
    cell = int(np.argmax(np.abs(found - usual)))
    return {
        "cell": float(cell),
        "cell_share": float(found[cell]) / rows,
        "cell_share_reference": float(usual[cell]) / rows,
    }
