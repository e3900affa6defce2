"""A ledger as a log to replay: predictions in the order of time, each with its latest label."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from timonel.ledger.place import Place, explained
from timonel.ledger.schema import PARTITION, TableName
from timonel.ledger.tables import open_table, rows_of

BATCH_ROWS = 50_000

LATEST = """
CREATE TEMP TABLE latest AS
SELECT prediction_id, unnest(max({arrived: arrival_time, happened: event_time, said: label}))
FROM labels WHERE arrival_time < $as_of AND prediction_id IS NOT NULL GROUP BY prediction_id
"""
DAY = """
SELECT p.* EXCLUDE (partition_date), l.said AS label,
       l.happened AS label_event_time, l.arrived AS label_arrival_time
FROM day AS p LEFT JOIN latest AS l USING (prediction_id)
WHERE p.event_time >= $start AND p.event_time < $stop AND ($model IS NULL OR p.model = $model)
ORDER BY p.event_time, p.arrival_time, p.prediction_id
"""
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)


def read_log(
    place: Place,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    model: str | None = None,
    as_of: datetime | None = None,
    lists: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Stream the predictions of a span of time, as `ModelMonitor.track_batch` takes them.

    Each row has label, label_event_time and label_arrival_time: of several labels the one that arrived
    last; null without one. A day is sorted at a time, so memory does not grow with the days.

    Args:
        place: the ledger.
        start: event time, inclusive; naive is UTC. None: from the first.
        end: event time, exclusive. None: to the last.
        model: only this model's.
        as_of: only labels that had arrived before this time, as a backtest needs it.
        lists: predictions and labels are lists of items, as a ranker's.
    """
    since, until = _aware(start, datetime(1970, 1, 1, tzinfo=UTC)), _aware(end, FOREVER)
    span = {"start": since, "stop": until, "model": model}
    with explained(place, "reading the log"), _connection() as connection:
        connection.register("labels", rows_of(place, TableName.LABELS))
        connection.execute(LATEST, {"as_of": _aware(as_of, FOREVER)})
        predictions = rows_of(place, TableName.PREDICTIONS)
        for day in _days(place, since.date(), until.date()):
            connection.register("day", predictions.filter(pc.field(PARTITION) == day))
            reader = connection.sql(DAY, params=span).to_arrow_reader(BATCH_ROWS)
            yield from (as_lists(batch) if lists else batch for batch in reader if batch.num_rows)


@contextmanager
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory() as spill:  # what does not fit in memory
        connection = duckdb.connect(":memory:", config={"temp_directory": spill})
        try:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
        finally:
            connection.close()


def _days(place: Place, first: date, last: date) -> list[date]:
    table = open_table(place, TableName.PREDICTIONS)
    if table is None:
        return []
    days = {date.fromisoformat(part[PARTITION]) for part in table.partitions()}
    return sorted(day for day in days if first <= day <= last)


def _aware(time: datetime | None, default: datetime) -> datetime:
    if time is None:
        return default
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Lists of items, which are kept as JSON."""
    for name in ("prediction", "label"):
        given = batch.column(name).to_pylist()
        items = [None if v is None else _items(v) for v in given]
        place = batch.schema.get_field_index(name)
        batch = batch.set_column(place, name, pa.array(items, pa.list_(pa.string())))
    return batch


def _items(text: str) -> list[str]:
    if not text.startswith("["):
        return [text]
    return [str(item) for item in json.loads(text)]
