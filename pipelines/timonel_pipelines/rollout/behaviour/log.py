"""Logged predictions that were not replayed yet, each with its first label, from the ledger."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.ledger import Ledger, TableName
from timonel.ledger.place import explained
from timonel.ledger.schema import PARTITION

Ids = NDArray[np.uint64]

LABELLED = np.uint64(1)
"""The lowest bit of a row's number says that its label was counted, too."""
CLOCKS_APART = timedelta(days=1)
"""How much earlier than its prediction a label may seem to have arrived."""

FIRST = """
CREATE OR REPLACE TEMP TABLE first AS
SELECT prediction_id, arg_min(label, arrival_time) AS label FROM labels
WHERE prediction_id IS NOT NULL AND label IS NOT NULL
  AND arrival_time >= $labels_from AND arrival_time < $labels_before
GROUP BY prediction_id
"""
FRESH = """
WITH numbered AS (
    SELECT p.*, first.label AS "replay.label",
           md5_number_lower(p.prediction_id || $seed) & 18446744073709551614::UBIGINT AS "replay.number"
    FROM log AS p LEFT JOIN first USING (prediction_id)
    WHERE p.model = $model AND p.event_time >= $start AND p.event_time < $stop
      AND p.prediction_id IS NOT NULL AND (p.prediction IS NOT NULL OR p.score IS NOT NULL)
), marked AS (
    SELECT *, "replay.number" NOT IN (SELECT number FROM counted) AS "replay.fresh",
           "replay.label" IS NOT NULL
             AND "replay.number" + 1 NOT IN (SELECT number FROM counted) AS "replay.labelled"
    FROM numbered
)
SELECT * FROM marked WHERE "replay.labelled" OR ($unlabelled AND "replay.fresh")
ORDER BY "replay.labelled" DESC, "replay.number" LIMIT $most
"""


@dataclass(frozen=True)
class Stretch:
    """Which rows are asked for."""

    model: str
    start: datetime
    """Time of the event, inclusive."""
    stop: datetime
    """Exclusive."""
    most: int
    """Labelled rows come first; which of many are taken depends on their ids alone."""
    unlabelled: bool = True
    labels_before: datetime = datetime.max
    seed: str = ""


@dataclass(frozen=True)
class Log:
    """The ledger's predictions and labels as they were when it was opened."""

    connection: duckdb.DuckDBPyConnection

    def fresh_rows(self, asked: Stretch, counted: Ids) -> pa.Table:
        """Rows that were answered, as logged, with `replay.number`, `.label`, `.fresh` and `.labelled`.

        Args:
            asked: which.
            counted: numbers of rows that were taken before; an odd one says that the label was, too.
        """
        self.connection.register("counted", pa.table({"number": counted}))
        names = ("model", "start", "stop", "most", "unlabelled", "seed")
        found = {name: getattr(asked, name) for name in names}
        return self.selected(asked, FRESH, found).to_arrow_table()

    def selected(self, asked: Stretch, sql: str, params: dict[str, Any]) -> duckdb.DuckDBPyRelation:
        """What a SELECT over `log` gives, with the first label of each prediction in `first`."""
        since = asked.start - CLOCKS_APART
        span = {"labels_from": since, "labels_before": asked.labels_before}
        self.connection.execute(FIRST, span)
        return self.connection.sql(sql, params=params)


@contextmanager
def opened(ledger: Ledger, since: datetime) -> Iterator[Log]:
    """The predictions of events since a time."""
    day = (since - timedelta(days=1)).date()
    with (
        explained(ledger.place, "reading the log"),
        tempfile.TemporaryDirectory() as spill,  # what does not fit in memory
        duckdb.connect(":memory:", config={"temp_directory": spill}) as connection,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        rows = ledger.rows(TableName.PREDICTIONS).filter(pc.field(PARTITION) >= day)
        connection.register("log", rows)
        connection.register("labels", ledger.rows(TableName.LABELS))
        yield Log(connection)
