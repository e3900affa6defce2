"""The latest label of each prediction, brought to the file and row in which the prediction stands.

Labels of a day may lie in any later day, or earlier. So ids of both sides are exchanged by their hash: what
belongs together meets in one bucket, and no more than a bucket of ids is ever held in memory. Ids are
compared as they are, not by their hash.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.fold.exchange import Hashes, Seen, gather, hashes, scatter
from timonel.fold.snapshot import LogFile, Snapshot

ID, LABEL, HAPPENED, ARRIVED = "prediction_id", "label", "event_time", "arrival_time"
BUCKET_LABELS = 1 << 16
"""Labels that a bucket should have: their table fits in a core's cache."""
MOST_BUCKETS = 1024
ROUNDS = 64
HASHED = 1 << 20
"""Ids that are hashed at once."""

_PLACED = pa.schema([(ID, pa.string()), ("file", pa.int32()), ("row", pa.int32())])
_MATCHED = pa.schema(
    [("row", pa.int32()), (LABEL, pa.string()), (ARRIVED, pa.timestamp("us", "UTC"))]
)


def buckets_for(labels: int) -> int:
    """How many buckets the ids are spread over."""
    return min(max(labels // BUCKET_LABELS, 8), MOST_BUCKETS)


def rounds(buckets: int) -> list[range]:
    """The buckets in turn, so many at once that ROUNDS files or fewer are written."""
    step = -(-buckets // ROUNDS)
    return [range(first, min(first + step, buckets)) for first in range(0, buckets, step)]


def spread_labels(
    snapshot: Snapshot, files: Sequence[LogFile], buckets: int, seen: Path, path: Path
) -> None:
    """Write the labels of some files by bucket, and mark their ids."""
    columns = (ID, LABEL, HAPPENED, ARRIVED)
    batches = [b for file in files for b in snapshot.read(file.path, columns)]
    rows = pa.Table.from_batches(batches)
    rows = rows.filter(pc.and_(rows[ID].is_valid(), rows[ARRIVED].is_valid()))
    found = hashes(rows[ID])
    Seen(seen, "r+").add(found)
    scatter(path, rows, _bucket(found, buckets), buckets)


def spread_ids(
    snapshot: Snapshot, files: Sequence[tuple[int, LogFile]], buckets: int, seen: Path, path: Path
) -> None:
    """Write by bucket the ids of predictions that have a label, each with its file and row.

    Files are numbered; a few ids without a label come along.
    """
    marks = Seen(seen)
    parts = [_PLACED.empty_table()]
    of = [np.empty(0, np.uint64)]
    for number, file in files:
        first = 0
        for batch in snapshot.read(file.path, (ID,), HASHED):
            ids = batch.column(ID)
            found = hashes(ids)
            at = np.flatnonzero(marks.has(found) & np.asarray(ids.is_valid()))
            place = np.full(len(at), number, np.int32), (first + at).astype(np.int32)
            columns = [ids.take(pa.array(at)), *map(pa.array, place)]
            parts.append(pa.Table.from_arrays(columns, schema=_PLACED))
            of.append(found[at])
            first += len(ids)
    scatter(path, pa.concat_tables(parts), _bucket(np.concatenate(of), buckets), buckets)


def _bucket(found: Hashes, buckets: int) -> NDArray[np.uint16]:
    return (found % np.uint64(buckets)).astype(np.uint16)


def match(
    labels: Sequence[Path], ids: Sequence[Path], buckets: range, files: int, path: Path
) -> None:
    """Write the labels of some buckets' predictions by file, each with its row."""
    pairs = zip(gather(labels, buckets), gather(ids, buckets), strict=True)
    found = [_matched(*map(pa.Table.from_batches, pair)) for pair in pairs]
    where = np.concatenate([place for _, place in found])
    scatter(path, pa.concat_tables([rows for rows, _ in found]), where, files)


def _matched(said: pa.Table, placed: pa.Table) -> tuple[pa.Table, NDArray[np.int32]]:
    """The labels of a bucket that have a prediction, each with its row, and in which file that is."""
    known = latest(said.combine_chunks())
    at = pc.index_in(_whole(placed, ID), value_set=_whole(known, ID))
    hits = at.is_valid()
    found = known.select([LABEL, ARRIVED]).take(at.drop_null())
    found = found.add_column(0, "row", placed["row"].filter(hits)).cast(_MATCHED)
    return found, np.asarray(_whole(placed, "file").filter(hits).to_numpy())


def _whole(table: pa.Table, name: str) -> pa.Array:
    return table[name].combine_chunks()


def latest(labels: pa.Table) -> pa.Table:
    """Of several labels for one prediction the one that arrived last; of those the last that happened, then
    the greatest, and none at all before any."""
    coded = labels[ID].combine_chunks().dictionary_encode()
    if len(coded.dictionary) == len(labels):
        return labels
    which = coded.indices.to_numpy()
    said = _rank(labels[LABEL].combine_chunks().dictionary_encode())
    happened, arrived = (_micros(labels[name]) for name in (HAPPENED, ARRIVED))
    order = np.lexsort((said, happened, arrived, which))
    last = np.append(np.diff(which[order]) > 0, True)
    return labels.take(pa.array(order[last]))


def _rank(coded: pa.DictionaryArray) -> NDArray[np.int64]:
    """The place of each text in the order of its bytes; null after all of them."""
    texts = [text.encode() for text in coded.dictionary.to_pylist()]
    rank = np.empty(len(texts) + 1, np.int64)
    rank[np.array(sorted(range(len(texts)), key=texts.__getitem__), dtype=np.int64)] = np.arange(
        len(texts)
    )
    rank[-1] = len(texts)
    return np.asarray(rank[coded.indices.fill_null(len(texts)).to_numpy()])


def _micros(times: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(times.cast(pa.int64()).fill_null(np.iinfo(np.int64).max).to_numpy())


@dataclass(frozen=True, eq=False)
class Labelled:
    """The labels of a file's rows."""

    label: pa.Array
    arrived: pa.Array

    @classmethod
    def of(cls, matched: Sequence[Path], file: int, rows: int) -> "Labelled":
        """Gather them from the buckets."""
        table = pa.Table.from_batches(gather(matched, [file])[0], schema=_MATCHED)
        at = np.full(rows, -1, np.int64)
        at[table["row"].to_numpy()] = np.arange(table.num_rows)
        places = pa.array(at, mask=at < 0)
        coded = table[LABEL].combine_chunks().dictionary_encode()
        indices = coded.indices.take(places)
        return cls(
            pa.DictionaryArray.from_arrays(indices, coded.dictionary),
            table[ARRIVED].combine_chunks().take(places),
        )

    def added(self, batch: pa.RecordBatch, first: int) -> pa.RecordBatch:
        """Rows from `first` on, with their labels."""
        columns = (self.label, self.arrived)
        parts = [column.slice(first, batch.num_rows) for column in columns]
        return pa.record_batch(
            [*batch.columns, *parts], names=[*batch.schema.names, LABEL, "label_arrival_time"]
        )
