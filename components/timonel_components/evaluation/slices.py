"""The model's figures group by group: a good average may hide a group that is served badly."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.config import Config
from timonel.errors import BadInput
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.result import Slice
from timonel_components.evaluation.sample import Sample
from timonel_components.metrics.figures import Metric, metric
from timonel_components.metrics.scored import Scored

MIN_ROWS = 50
"""A group with fewer rows is named, but not judged: its figures would be noise."""
MAX_GROUPS = 30
"""Groups of a column that are judged, the largest."""
NULL = "(missing)"


def slices(
    sample: Sample, rows: Scored, bootstrap: Bootstrap, config: Config
) -> tuple[tuple[Slice, ...], tuple[str, ...]]:
    """The groups of every column of `evaluation.slices`, and the groups that are too small."""
    check_slices(config, sample.table)
    judged: list[Slice] = []
    small: list[str] = []
    wanted = _metrics(rows, config)
    for column in config.evaluation.slices:
        for place, (group, members) in enumerate(groups(sample, column)):
            if len(members) < MIN_ROWS or place >= MAX_GROUPS:
                small.append(f"{column} = {group} ({len(members):,} rows)")
                continue
            figures = bootstrap.take(members).estimates(rows.take(members), wanted)
            judged.append(Slice(column=column, group=group, rows=len(members), metrics=figures))
    return tuple(judged), tuple(small)


def check_slices(config: Config, table: pa.Table) -> None:
    """Raise `BadInput` for a slice by a column that the table does not have."""
    for column in config.evaluation.slices:
        if column not in table.column_names:
            raise BadInput(
                f"evaluation.slices names the column {column}, which the table does not have",
                fix=f"use one of its columns: {', '.join(table.column_names)}",
            )


def _metrics(rows: Scored, config: Config) -> tuple[Metric, ...]:
    binary = ("roc_auc", "log_loss", "precision", "recall", "alert_rate", "base_rate")
    names = binary if rows.binary else ("accuracy", "macro_f1", "log_loss")
    return tuple(metric(name) for name in dict.fromkeys((config.selection_metric, *names)))


def groups(sample: Sample, column: str) -> list[tuple[str, NDArray[np.int64]]]:
    """The groups of a column, largest first, each with the indices of its rows."""
    encoded = pc.dictionary_encode(sample.table[column], null_encoding="encode").combine_chunks()
    codes = encoded.indices.to_numpy()
    names = [NULL if v is None else str(v) for v in encoded.dictionary.to_pylist()]
    members = [(name, np.flatnonzero(codes == k)) for k, name in enumerate(names)]
    return sorted(members, key=lambda group: (-len(group[1]), group[0]))
