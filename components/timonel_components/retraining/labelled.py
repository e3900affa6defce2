"""Rows of the ledger whose labels have come, as the table that a model is fitted to and judged by."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.config import Config
from timonel.config.section import Label
from timonel.contract import DataContract
from timonel.errors import BadInput
from timonel.reference.classes import class_name

LEAST_LABELS = 30
"""Labels of each class that a new calibration or threshold is fitted to, and as many that judge it."""


@dataclass(frozen=True)
class Labelled:
    """The older half of the rows to fit to, and the newer one to judge by."""

    fitting: pa.Table
    judging: pa.Table
    period: tuple[datetime, datetime]
    """Time of the first and of the last row to fit to."""


def labelled(log: pa.Table, contract: DataContract, config: Config) -> Labelled:
    """Divide logged rows with matured labels by time; `BadInput` where a half lacks a class."""
    classes = {class_name(c): c for c in contract.classes}
    known = log.filter(pc.is_in(log["label"], pa.array(list(classes)))).sort_by("event_time")
    table = _table(known, classes, contract, config)
    half = table.num_rows // 2
    first = known["event_time"].slice(0, max(1, half))
    parts = table.slice(0, half), table.slice(half)
    for name, part in zip(("older", "newer"), parts, strict=True):
        counts = {
            c["values"]: c["counts"] for c in pc.value_counts(part[contract.target]).to_pylist()
        }
        few = [c for c in contract.classes if counts.get(c, 0) < LEAST_LABELS]
        if few:
            raise BadInput(
                f"the {name} half of the {table.num_rows:,} labelled rows has {counts.get(few[0], 0):,} of"
                f" class {few[0]}, expected {LEAST_LABELS} at least",
                fix="wait for more labels",
            )
    return Labelled(*parts, (first[0].as_py(), first[-1].as_py()))


def judged_by(config: Config, table: pa.Table) -> Config:
    """The settings without groups and entities that the ledger's rows do not tell."""
    names = table.column_names
    known = tuple(c for c in config.evaluation.slices if c in names)
    entity = config.data.entity if config.data.entity in names else None
    return config.model_copy(
        update={
            "evaluation": config.evaluation.model_copy(update={"slices": known}),
            "data": config.data.model_copy(update={"entity": entity}),
        }
    )


def _table(
    known: pa.Table, classes: dict[str, Label], contract: DataContract, config: Config
) -> pa.Table:
    """The features under their names, the target with the contract's values."""
    absent = [c.name for c in contract.features if c.name not in known.column_names]
    if absent:
        raise BadInput(f"the ledger's rows lack the feature {', '.join(absent)}")
    columns = {c.name: known[c.name] for c in contract.features}
    columns[contract.target] = pa.array([classes[v] for v in known["label"].to_pylist()])
    if contract.time is not None:
        columns[contract.time] = known["event_time"]
    told = "entity" in known.column_names and not known["entity"].null_count
    if config.data.entity is not None and told:
        columns[config.data.entity] = known["entity"]
    return pa.table(columns)


def marginals(table: pa.Table, contract: DataContract) -> NDArray[np.float64]:
    """The share of each class."""
    counts = {c["values"]: c["counts"] for c in pc.value_counts(table[contract.target]).to_pylist()}
    shares = np.array([counts.get(c, 0) for c in contract.classes], np.float64)
    found: NDArray[np.float64] = shares / shares.sum()
    return found
