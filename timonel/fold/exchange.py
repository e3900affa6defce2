"""Rows exchanged through files by the hash of their prediction id, so that those which belong together meet
a few at a time."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.files import full_disk_explained


def bucket_of(ids: pa.Array, buckets: int) -> NDArray[np.uint16]:
    """Which of at most 65,536 buckets each id belongs to: the same in every process."""
    connection = duckdb.connect(":memory:", config={"threads": 1})
    try:
        connection.register("rows", pa.table({"id": ids}))
        query = f"SELECT (hash(id) % {buckets})::USMALLINT AS bucket FROM rows"  # noqa: S608 - a number
        found: pa.Table = connection.sql(query).to_arrow_table()
        return np.asarray(found["bucket"].combine_chunks().to_numpy())
    finally:
        connection.close()


def scatter(path: Path, rows: pa.Table, of: NDArray[np.integer[Any]], places: int) -> None:
    """Write rows to a file with a batch for each place: `of` says to which each row goes."""
    order = np.argsort(of, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=places))])
    ordered = rows.take(pa.array(order)).combine_chunks()
    columns = [_whole(column) for column in ordered.columns]
    with (
        full_disk_explained(path),
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, rows.schema) as writer,
    ):
        for first, last in pairwise(starts):
            parts = [column.slice(first, last - first) for column in columns]
            writer.write_batch(pa.record_batch(parts, schema=rows.schema))


def gather(paths: Sequence[Path], place: int) -> Iterable[pa.RecordBatch]:
    """The batch of a place, of each of the files."""
    for path in paths:
        with pa.OSFile(str(path), "rb") as source:
            yield pa.ipc.open_file(source).get_batch(place)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
