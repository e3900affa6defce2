"""Predictions that wait for labels as Arrow, so that a restart loses none."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from timonel.errors import Corrupt
from timonel.windows.envelope import seal, unseal
from timonel.windows.envelope import together as sealed_together
from timonel.windows.events import Array, Coded, Events
from timonel.windows.labels import Labels, Tally, concat_labels
from timonel.windows.pending import Chunk, Pending, together

KIND, FORMAT = "pending", 1


def to_arrow(pending: Pending) -> pa.RecordBatch:
    """Two rows: the remembered predictions, and the labels held for others."""
    header = {
        "remembers": pending.remembers,
        "outcome": pending.outcome,
        "limit": pending.limit,
        "held_limit": pending.held_limit,
        "tally": pending.tally.to_dict(),
        "delays": pending.delays.tolist(),
    }
    chunks, fresh = pending.chunks, pending.fresh
    header["settled"] = sum(len(chunk.arrived) for chunk in chunks)
    rows = _chunk_table(together([*chunks, *fresh])) if chunks or fresh else pa.table({})
    held = _label_table(concat_labels(pending.held)) if pending.held else pa.table({})
    sealed = [seal(KIND, FORMAT, header, rows), seal(KIND, FORMAT, {}, held)]
    return sealed_together(sealed)


def from_arrow(saved: pa.RecordBatch | pa.Table) -> Pending:
    """What `to_arrow` saved. Raises Corrupt for anything else."""
    parts = unseal(KIND, FORMAT, saved)
    if len(parts) != 2:
        raise Corrupt(f"saved pending predictions of {len(parts)} rows, expected 2")
    (header, rows), (_, held) = parts
    try:
        return _read(header, rows, held)
    except (AttributeError, LookupError, TypeError, ValueError, MemoryError) as error:
        raise Corrupt(f"the saved {KIND} does not fit together: {error!r}") from error


def _read(header: Mapping[str, Any], rows: pa.Table, held: pa.Table) -> Pending:
    limits = header["limit"], header["held_limit"]
    pending = Pending(header["remembers"], header["outcome"], *limits)
    pending.tally = Tally(**header["tally"])
    pending.delays = np.array(header["delays"], dtype=np.int64)
    if rows.num_columns:
        chunk, settled = _chunk(rows), header["settled"]
        parts = chunk.slice(0, settled), chunk.slice(settled, len(chunk.arrived))
        pending.chunks, pending.fresh = ([part] if len(part.arrived) else [] for part in parts)
    if held.num_columns:
        pending.held = [
            Labels(_text(held["id"]), _numpy(held["arrived"]), _packed(held, "column:"))
        ]
    return pending


def _chunk_table(chunk: Chunk) -> pa.Table:
    times = {"arrived": pa.array(chunk.arrived), "earliest": pa.array(chunk.earliest)}
    return pa.table(event_columns(chunk.events) | times)


def _chunk(table: pa.Table) -> Chunk:
    return Chunk(events_of(table), _numpy(table["arrived"]), _numpy(table["earliest"]))


def event_columns(events: Events) -> dict[str, pa.Array]:
    """Events as columns of a table, which may have others besides."""
    return {
        **({} if events.ids is None else {"id": events.ids}),
        "time": pa.array(events.time),
        "labelled": pa.array(events.labelled),
        "version": _dictionary(events.version),
        **{f"slice:{name}": _dictionary(coded) for name, coded in events.slices.items()},
        **{f"column:{name}": _arrow(column) for name, column in events.columns.items()},
    }


def events_of(table: pa.Table) -> Events:
    """The inverse of `event_columns`."""
    slices = {n[6:]: _coded(table[n]) for n in table.column_names if n.startswith("slice:")}
    return Events(
        _numpy(table["time"]),
        _coded(table["version"]),
        _packed(table, "column:"),
        _numpy(table["labelled"]),
        slices,
        _text(table["id"]) if "id" in table.column_names else None,
    )


def _label_table(labels: Labels) -> pa.Table:
    columns = {f"column:{name}": _arrow(column) for name, column in labels.columns.items()}
    return pa.table({"id": labels.ids, "arrived": pa.array(labels.arrived), **columns})


def _packed(table: pa.Table, prefix: str) -> dict[str, Array]:
    names = [name for name in table.column_names if name.startswith(prefix)]
    return {name.removeprefix(prefix): _numpy(table[name]) for name in names}


def _arrow(column: Array) -> pa.Array:
    if column.ndim == 1:
        return pa.array(column)
    return pa.FixedSizeListArray.from_arrays(pa.array(column.ravel()), column.shape[1])


def _numpy(column: pa.ChunkedArray) -> Array:
    """A copy of its own, which settling can write to."""
    if not pa.types.is_fixed_size_list(column.type):
        return np.array(column.to_numpy())
    flat = np.array(column.combine_chunks().flatten().to_numpy())
    return flat.reshape(len(column), column.type.list_size)


def _text(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks)


def _dictionary(coded: Coded) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(
        pa.array(coded.codes, pa.int32()), pa.array(coded.values, pa.string())
    )


def _coded(column: pa.ChunkedArray) -> Coded:
    array = column.unify_dictionaries().combine_chunks()
    codes = np.array(array.indices.to_numpy(zero_copy_only=False), dtype=np.int32)
    return Coded(codes, tuple(array.dictionary.to_pylist()))
