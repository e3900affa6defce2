"""Scores and predictions written anew for the rows whose features or model have changed."""

import numpy as np
import pyarrow as pa

from timonel.errors import BadInput
from timonel.faults.columns import class_values, place
from timonel.faults.layout import BoolArray, FloatArray, Layout, Model


def score_columns(table: pa.Table, layout: Layout) -> tuple[str, ...]:
    """Those columns of score and prediction that the table has."""
    names = (layout.score, layout.prediction)
    return tuple(name for name in names if name and name in table.column_names)


def rescored(table: pa.Table, rows: BoolArray, model: Model, layout: Layout) -> pa.Table:
    """The table with the chosen rows scored by `model` on the features that they hold."""
    return with_scores(table, rows, scores_of(model, table, rows), model.threshold, layout)


def scores_of(model: Model, table: pa.Table, rows: BoolArray) -> FloatArray:
    """The chosen rows' scores; other rows have 0, which nobody may read."""
    scores = np.zeros(table.num_rows)
    given = np.asarray(model.score(table.filter(pa.array(rows))), dtype=np.float64)
    if given.shape != (int(rows.sum()),):
        raise BadInput(
            f"the model gave scores of shape {given.shape} for {int(rows.sum())} rows; "
            "expected one score a row"
        )
    scores[rows] = given
    return scores


def with_scores(
    table: pa.Table, rows: BoolArray, scores: FloatArray, threshold: float, layout: Layout
) -> pa.Table:
    """The table with new scores in the chosen rows, and predictions that follow them."""
    names = score_columns(table, layout)
    if layout.score in names:
        table = place(table, layout.score, rows, scores)
    if layout.prediction in names:
        kind = table.schema.field(layout.prediction).type
        value_kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        classes = class_values(layout.classes, value_kind, layout.prediction)
        # the positive class is the last one; of more than two, the rest is the first
        which = np.where(scores >= threshold, len(layout.classes) - 1, 0)
        table = place(table, layout.prediction, rows, classes.take(pa.array(which)))
    return table
