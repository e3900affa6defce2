"""Rows exchanged through files by the hash of their prediction id, so that those which belong together meet
a few at a time."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.files import full_disk_explained

Hashes = NDArray[np.uint64]
MOST_SEEN_BITS = 26
"""64 MB of marks."""


def hashes(ids: pa.Array | pa.ChunkedArray) -> Hashes:
    """A number for each id, evenly spread over 64 bits: the same in every process."""
    connection = _connection().cursor()
    connection.register("rows", pa.table({"id": ids}))
    found: pa.Table = connection.sql("SELECT hash(id) AS hash FROM rows").to_arrow_table()
    connection.unregister("rows")
    return np.asarray(found["hash"].combine_chunks().to_numpy())


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1})


class Seen:
    """Marks in a file which hashes were met, for all processes: a hash that was met is always found, another
    one rarely."""

    def __init__(self, path: Path, mode: Literal["r", "r+"] = "r") -> None:
        self._marks = np.memmap(path, np.bool_, mode)
        self._shift = np.uint64(64 - (len(self._marks).bit_length() - 1))

    @classmethod
    def make(cls, path: Path, hashes: int) -> None:
        """A file for so many hashes; of up to eight million, at most one in eight is found by chance."""
        with full_disk_explained(path), path.open("wb") as file:
            file.write(bytes(1 << min((8 * hashes).bit_length(), MOST_SEEN_BITS)))

    def add(self, found: Hashes) -> None:
        """Mark hashes; several processes may at once."""
        self._marks[self._places(found)] = True

    def has(self, found: Hashes) -> NDArray[np.bool_]:
        """Which of these were met."""
        return self._marks.take(self._places(found))

    def _places(self, found: Hashes) -> NDArray[np.int64]:
        return (found >> self._shift).view(np.int64)


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


def gather(paths: Sequence[Path], places: Sequence[int]) -> list[list[pa.RecordBatch]]:
    """By place the batches of all files; each file is opened once."""
    found: list[list[pa.RecordBatch]] = [[] for _ in places]
    for path in paths:
        with pa.OSFile(str(path), "rb") as source, pa.ipc.open_file(source) as reader:
            for held, place in zip(found, places, strict=True):
                held.append(reader.get_batch(place))
    return found


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
