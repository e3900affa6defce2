"""What the tests of incidents share: each incident ready for a healthy log, and bits compared."""

from typing import Any

import numpy as np
import pyarrow as pa

from timonel.faults import INCIDENTS, Healthy, Incident, Injected

SMALL = Healthy(rows=4000, days=7, numeric=3, entities=60)

ARGUMENTS: dict[str, dict[str, Any]] = {
    "unit_change": {"columns": ("amount", "f2")},
    "null_burst": {"columns": ("amount", "channel")},
    "stuck_sensor": {"columns": ("f2", "channel")},
    "category_rename": {"columns": ("country",)},
    "column_swap": {"columns": ("f2", "f3")},
    "clipped_range": {"columns": ("amount",)},
    "duplicate_rows": {},
    "delayed_rows": {},
    "segment_outage": {"columns": ("country",)},
    "prior_shift": {},
    "covariate_shift": {"columns": ("f2",)},
    "seasonal_change": {"columns": ("f2", "f3")},
    "sudden_concept_change": {"columns": ("amount",)},
    "gradual_concept_change": {"columns": ("amount",)},
    "recurring_concept_change": {"columns": ("amount", "f2")},
    "label_delay": {},
    "label_noise": {},
    "serving_skew": {"columns": ("amount",), "model": SMALL.model},
    "bad_deploy": {},
    "slow_dependency": {},
    "null_predictions": {},
}
"""Of every incident, what a small healthy log needs besides onset and severity."""


def make(name: str, **more: Any) -> Incident:
    """The incident of that name on a small healthy log."""
    return INCIDENTS[name](**{**ARGUMENTS[name], **more})


def inject(name: str, table: pa.Table, seed: int = 1, **more: Any) -> Injected:
    """The incident, injected with a seed."""
    return make(name, **more).apply(table, np.random.default_rng(seed))


def bits(table: pa.Table) -> dict[str, tuple[bytes, bytes | list[Any]]]:
    """Each column as its validity and the bits of its values: NaN and -0.0 told apart."""
    return {name: _bits(table[name]) for name in table.column_names}


def _bits(column: pa.ChunkedArray) -> tuple[bytes, bytes | list[Any]]:
    valid = np.asarray(column.is_valid())
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return valid.tobytes(), np.asarray(column.drop_null()).tobytes()
    return valid.tobytes(), column.to_pylist()


def rows_of(table: pa.Table, mask: np.ndarray[Any, Any]) -> dict[str, Any]:
    """The bits of the chosen rows."""
    return bits(table.filter(pa.array(mask)))


def roc_auc(label: np.ndarray[Any, Any], score: np.ndarray[Any, Any]) -> float:
    """Area under the ROC curve of scores without ties."""
    rank = np.argsort(np.argsort(score)) + 1.0
    positives = int(label.sum())
    negatives = len(label) - positives
    return float(
        (rank[label == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    )


def serialised(table: pa.Table) -> bytes:
    """The table as Arrow writes it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
