"""Which rows a model may learn from, and how much each counts, by their age."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.config import Config
from timonel.errors import BadInput
from timonel.retraining.window import age_weights, drawn
from timonel_components.data.naming import source_name

Floats = NDArray[np.float64]


def since(table: pa.Table, config: Config) -> tuple[pa.Table, pa.Table]:
    """The rows from `train.since` on, and the reservoir of older ones, in the order of the table."""
    start = config.train.since
    if start is None:
        return table, table.slice(0, 0)
    times = _times(table, config, "train.since")
    late = pc.greater_equal(times, pa.scalar(_aware(start), times.type))
    old = table.filter(pc.invert(late))
    rows = drawn(old.num_rows, config.train.reservoir, config.train.seed)
    return table.filter(late), old.take(rows)


def weights(table: pa.Table, config: Config) -> Floats | None:
    """How much each row counts; None: all alike."""
    half_life = config.train.half_life
    if half_life is None:
        return None
    times = _times(table, config, "train.half_life")
    return age_weights(times.cast(pa.int64()).to_numpy(), half_life)


def _times(table: pa.Table, config: Config, setting: str) -> pa.ChunkedArray:
    name = config.data.time
    if name is None or not pa.types.is_timestamp(table[name].type):
        raise BadInput(
            f"{source_name(config)}: {setting} is set, and there is no column of times to count by",
            fix="let data.time name one, or take the setting out",
        )
    return table[name]


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
