"""The signs that need no labels: performance estimated from the scores, and how far the inputs have moved."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel.contract import DataContract
from timonel.drift.scan.effects import effects, unit
from timonel.drift.scan.gates import GATES
from timonel.performance.estimate import CBPE
from timonel.performance.intervals import difference
from timonel.reference.cells import count_cells, read_cells
from timonel.reference.reading import draw_bins, kind_of
from timonel.retraining.situation import Evidence

LEAST_ROWS = 500
"""Logged rows below which nothing is estimated."""
LEAST_FALL = 0.02
"""Fall of the estimated accuracy below which an estimate is no reason to act."""
MATERIAL = GATES[1]
"""Drift of one feature, in standard deviations, half as much of a category's shares, that counts."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What is seen without labels; None: nothing to act on."""

    estimate: Evidence | None = None
    drift: Evidence | None = None


def signs(
    reference: pa.Table, current: pa.Table, contract: DataContract, threshold: float
) -> Signs:
    """Hold logged rows of a binary model against those that it was examined on.

    `reference` has the features, `label` and `score`; `current` the features and `score`.
    """
    current = current.filter(current["score"].is_valid())
    if current.num_rows < LEAST_ROWS:
        return Signs()
    return Signs(
        _estimate(reference, current, contract, threshold), _drift(reference, current, contract)
    )


def _estimate(
    reference: pa.Table, current: pa.Table, contract: DataContract, threshold: float
) -> Evidence | None:
    """The estimated accuracy is surely below that of the reference, and by more than the least fall."""
    truth = pc.equal(reference["label"], pa.scalar(contract.classes[1], reference["label"].type))
    labels = np.asarray(truth).astype(int)
    then, now = (np.asarray(t["score"], dtype=np.float64) for t in (reference, current))
    if len(np.unique(labels)) < 2:
        return None
    cbpe = CBPE(("accuracy",)).fit(labels, then, (then >= threshold).astype(int), classes=(0, 1))
    found = cbpe.estimate(now, (now >= threshold).astype(int))["accuracy"]
    fall = difference(found, cbpe.reference["accuracy"])
    if fall.value is None or fall.upper is None or fall.upper >= 0 or fall.value > -LEAST_FALL:
        return None
    usual = float(cbpe.reference["accuracy"])
    return Evidence(
        f"the accuracy is estimated at {float(found):.1%}, {usual:.1%} is usual"
        " (an estimate without labels: it assumes that P(y|x) is unchanged)"
    )


def _drift(reference: pa.Table, current: pa.Table, contract: DataContract) -> Evidence | None:
    """The feature that moved most, if that is material."""
    known = [c for c in contract.features if c.kind != "text" and c.name in current.column_names]
    if not known:
        return None
    bins = tuple(draw_bins(c.name, reference[c.name], kind_of(contract, c.name)) for c in known)
    then, now = (
        count_cells(read_cells(bins, {c.name: t[c.name] for c in known}, t.num_rows))
        for t in (reference, current)
    )
    moved = np.nan_to_num(effects(now, then, bins)) / np.array([unit(b) for b in bins])
    most = int(moved.argmax())
    if moved[most] < MATERIAL:
        return None
    size, gate = moved[most] * unit(bins[most]), MATERIAL * unit(bins[most])
    what = "sd" if unit(bins[most]) == 1 else "of its shares"
    return Evidence(f"{bins[most].name} moved by {size:.2f} {what}, {gate:g} is material")
