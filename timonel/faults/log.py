"""A log with its labels beside its predictions, as incidents take it, and the ledger's two tables."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel.errors import BadInput

JOINED = {
    "label": "label",
    "event_time": "label_event_time",
    "arrival_time": "label_arrival_time",
}
"""Columns of the table of labels, and their names beside the predictions."""


@dataclass(frozen=True, eq=False)
class Log:
    """The ledger's tables: `predictions`, and `labels` (prediction_id, label, event_time, arrival_time)."""

    predictions: pa.Table
    labels: pa.Table


def join_labels(log: Log) -> pa.Table:
    """The predictions in their order, each with its label; of corrected labels the one that came last.

    Columns label, label_event_time and label_arrival_time are added, empty where there is no label.
    Labels of unknown predictions are left out.
    """
    _require(log.predictions, ("prediction_id",), "predictions")
    _require(log.labels, ("prediction_id", *JOINED), "labels")
    newest = log.labels.take(pc.sort_indices(log.labels, [("arrival_time", "descending")]))
    at = pc.index_in(log.predictions["prediction_id"], newest["prediction_id"].combine_chunks())
    table = log.predictions
    for name, joined in JOINED.items():
        table = table.append_column(joined, newest[name].take(at))
    return table


def split_labels(table: pa.Table) -> Log:
    """The inverse of `join_labels`: a row of the labels for each prediction that has one.

    A prediction that stands there twice was delivered twice; its label is given once.
    """
    _require(table, ("prediction_id", *JOINED.values()), "table")
    ids = table["prediction_id"].combine_chunks().dictionary_encode(null_encoding="encode")
    _, first = np.unique(np.asarray(ids.indices), return_index=True)
    once = table.take(pa.array(np.sort(first)))
    labelled = once.filter(once["label"].is_valid()).select(["prediction_id", *JOINED.values()])
    labels = labelled.rename_columns(["prediction_id", *JOINED])
    return Log(table.drop_columns(list(JOINED.values())), labels)


def _require(table: pa.Table, names: tuple[str, ...], what: str) -> None:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise BadInput(
            f"{what}: no column {', '.join(missing)}; it has {', '.join(table.column_names)}"
        )
