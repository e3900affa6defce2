"""States as Arrow, so that they travel between processes: Spark's `mapInArrow`, files, queues."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from timonel.errors import Corrupt
from timonel.windows.clock import Clock
from timonel.windows.directory import Directory
from timonel.windows.envelope import seal, unseal
from timonel.windows.layout import Layout
from timonel.windows.ring import Counts
from timonel.windows.sketch import HeavyHitters
from timonel.windows.state import WindowState

KIND, FORMAT = "window state", 1

_SCHEMA = pa.schema(
    [
        *[pa.field(name, pa.string()) for name in ("version", "column", "value", "field")],
        pa.field("tier", pa.int8()),
        pa.field("blocks", pa.binary()),
        pa.field("counts", pa.binary()),
        pa.field("type", pa.string()),
    ]
)
_NARROW = ("<i1", "<i2", "<i4", "<i8")


def to_arrow(state: WindowState) -> pa.RecordBatch:
    """A batch of one row that holds the whole state; equal counters make equal bytes of counters."""
    rows = []
    for (version, column, value), tiers in sorted(state.directory.series.items()):
        for field, tier, blocks, counts in tiers.rows(state.clock):
            kind = _narrowest(counts)
            parts = blocks.astype("<i8").tobytes(), counts.astype(kind).tobytes(), kind
            rows.append((version, column, value, field, tier, *parts))
    columns = zip(*rows, strict=True) if rows else [()] * len(_SCHEMA)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)]
    return seal(KIND, FORMAT, _header(state), pa.Table.from_arrays(arrays, schema=_SCHEMA))


def from_arrow(saved: pa.RecordBatch | pa.Table) -> WindowState:
    """The state that `to_arrow` saved; of several rows the merged one. Raises Corrupt for anything else."""
    states = [_read(header, table) for header, table in unseal(KIND, FORMAT, saved)]
    if not states:
        raise Corrupt("no saved state, expected one or more rows")
    for other in states[1:]:
        states[0].absorb(other)
    return states[0]


def _header(state: WindowState) -> dict[str, Any]:
    names = {
        column: {
            "kept": sorted(names.kept),
            "crowded": names.crowded,
            "counts": names.sketch.counts,
            "total": names.sketch.total,
            "error": names.sketch.error,
        }
        for column, names in state.directory.names.items()
    }
    return {
        "layout": state.layout.to_dict(),
        "watermark": state.watermark,
        "expired": state.expired.tolist(),
        "names": names,
    }


def _read(header: Mapping[str, Any], table: pa.Table) -> WindowState:
    if table.schema.types != _SCHEMA.types:
        raise Corrupt(f"the saved {KIND} has the columns {table.schema}, expected {_SCHEMA}")
    try:
        layout = Layout.from_dict(header["layout"])
        state = WindowState(layout)
        state.clock = Clock(layout, header["watermark"])
        state.expired = np.array(header["expired"], dtype=np.int64)
        _restore_names(state.directory, header["names"])
        for row in table.to_pylist():
            _restore(state, row)
    except (
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        MemoryError,
    ) as error:
        raise Corrupt(f"the saved {KIND} does not fit together: {error!r}") from error
    return state


def _restore_names(directory: Directory, saved: Mapping[str, Any]) -> None:
    for column, names in directory.names.items():
        of = saved[column]
        names.kept, names.crowded = set(of["kept"]), of["crowded"]
        names.sketch = HeavyHitters(names.sketch.size, of["counts"], of["total"], of["error"])


def _restore(state: WindowState, row: Mapping[str, Any]) -> None:
    tiers = state.directory.tiers((row["version"], row["column"], row["value"]))
    blocks = np.frombuffer(row["blocks"], "<i8").astype(np.int64)
    width = tiers.fields[row["field"]].width
    counts = np.frombuffer(row["counts"], row["type"]).astype(np.int64).reshape(len(blocks), width)
    tiers.ring(row["field"], row["tier"]).add(blocks, counts)
    tiers.seen(row["tier"], int(blocks[-1]))


def _narrowest(counts: Counts) -> str:
    low, high = int(counts.min()), int(counts.max())
    return next(k for k in _NARROW if np.iinfo(k).min <= low and high <= np.iinfo(k).max)
