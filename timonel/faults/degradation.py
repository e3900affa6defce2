"""A whole outage as it comes in practice: accuracy wears off, answers get slower, some stay empty."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel.errors import BadInput
from timonel.faults.columns import class_index, is_numeric, is_text, numbers, plain
from timonel.faults.labels import GradualConceptChange
from timonel.faults.layout import LOG, BoolArray, FloatArray, Layout
from timonel.faults.scenario import Scenario
from timonel.faults.serving import NullPredictions, SlowDependency
from timonel.faults.window import Moment

RAMP = 0.6
"""Share of the time after the onset in which accuracy falls; then it stays."""


def degradation(
    table: pa.Table,
    onset: Moment,
    *,
    accuracy_loss: float = 0.15,
    slower: float = 0.4,
    nulls: float = 0.04,
    layout: Layout = LOG,
) -> Scenario:
    """Accuracy falls bit by bit by a share of itself, latency rises at once, predictions go missing.

    Labels turn around in a part of the population - the rows with the greatest values of one feature,
    as many as the loss takes - so that the model is wrong where it was right: P(y | x) changes, the
    features and scores do not. `table` is the log that the scenario will be applied to.
    """
    name = _widest(table, layout)
    limit = _limit(table, name, accuracy_loss, layout)

    def turned(rows: pa.Table) -> FloatArray:
        index = class_index(rows, str(layout.label), layout.classes)
        return np.where(_sizes(rows, name) >= limit, 1 - index, index).astype(np.float64)

    fading = GradualConceptChange(onset=onset, rule=turned, ramp=RAMP, layout=layout)
    slow = SlowDependency(onset=onset, increase=slower, layout=layout)
    return fading.then(slow).then(NullPredictions(onset=onset, rate=nulls, layout=layout))


def _limit(table: pa.Table, name: str, loss: float, layout: Layout) -> float:
    """The size from which on labels are turned around, so that accuracy loses this share of itself."""
    label = class_index(table, str(layout.label), layout.classes)
    prediction = class_index(table, str(layout.prediction), layout.classes)
    known: BoolArray = (label >= 0) & (prediction >= 0)
    right = (label == prediction)[known]
    sizes = _sizes(table, name)[known]
    order = np.argsort(-sizes, kind="stable")
    lost = np.cumsum(np.where(right[order], 1, -1))
    enough = np.flatnonzero(lost >= loss * right.sum())
    if not len(enough) or not right.any():
        raise BadInput(
            f"turning labels around takes no {loss:.0%} of the accuracy away: the model is right in "
            f"{right.mean() if len(right) else 0:.0%} of the rows",
            fix="play it on a binary model that is better than chance, or choose another incident",
        )
    return float(sizes[order[enough[0]]])


def _widest(table: pa.Table, layout: Layout) -> str:
    """The feature with most distinct sizes, so that a quantile cuts it well."""
    names = [name for name in layout.features(table) if _has_size(table, name)]
    if not names:
        raise BadInput("the log has no numeric and no text feature to tell a part of its rows by")
    return max(names, key=lambda name: len(np.unique(_sizes(table.slice(0, 5000), name))))


def _has_size(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    return is_numeric(kind) or is_text(kind)


def _sizes(table: pa.Table, name: str) -> FloatArray:
    """The numbers, or the lengths of texts; what is missing is small."""
    if is_numeric(table.schema.field(name).type):
        return np.nan_to_num(numbers(table, name), nan=-np.inf)
    lengths = pc.fill_null(pc.utf8_length(plain(table[name])), 0)
    return np.asarray(lengths, dtype=np.float64)
