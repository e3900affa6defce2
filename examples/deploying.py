"""A bad deploy: a version that learnt from wrong labels takes over from a good one."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from predictors import Server, served, train
from project import Project
from pyarrow import parquet
from telling import console

from timonel.contract import DataContract
from timonel.tables import read_table


@contextmanager
def bad_version(project: Project, contract: DataContract) -> Iterator[Server]:
    """The next version, trained on labels that are wrong in half of the rows, served and the champion."""
    good = read_table(project.source)
    console.print(
        "\n[dim]a version 2, from labels that are the other way round in half of the rows[/]"
    )
    parquet.write_table(_spoilt(good, project.config.data.target, contract), project.source)
    try:
        train(project.settings)
    finally:
        parquet.write_table(good, project.source)
    with served(project.settings, fixed_ports=False) as server:
        project.promote(str(server.facts["version"]))
        yield server


def _spoilt(rows: pa.Table, target: str, contract: DataContract) -> pa.Table:
    """The labels are wrong where the first numeric feature is low."""
    first = next(c.name for c in contract.features if _is_number(rows[c.name].type))
    values = rows[first].to_numpy()
    labels = rows[target].to_numpy()
    one, other = contract.classes
    wrong = np.where(labels == one, other, one)
    found = pa.array(np.where(values < np.nanmedian(values), wrong, labels), rows[target].type)
    return rows.set_column(rows.column_names.index(target), target, found)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind) or pa.types.is_integer(kind)


def taken_over(log: pa.Table, after: pa.Table, onset: pa.Scalar) -> pa.Table:
    """The first log up to a moment, the second one from it on."""
    return pa.concat_tables(
        [
            log.filter(pc.less(log["event_time"], onset)),
            after.filter(pc.greater_equal(after["event_time"], onset)),
        ]
    ).sort_by("arrival_time")
