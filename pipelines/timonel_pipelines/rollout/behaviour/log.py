"""Logged predictions that were not replayed yet, each with its first label, from the ledger."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

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
CREATE TEMP TABLE first AS
SELECT prediction_id, arg_min(label, arrival_time) AS label FROM labels
WHERE prediction_id IS NOT NULL AND label IS NOT NULL AND arrival_time < $labels_before GROUP BY prediction_id
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


def fresh_rows(ledger: Ledger, asked: Stretch, counted: Ids) -> pa.Table:
    """Rows that were answered, as logged, with `replay.number`, `.label`, `.fresh` and `.labelled`.

    Args:
        ledger: where they are.
        asked: which.
        counted: numbers of rows that were taken before; an odd one says that the label was, too.
    """
    with opened(ledger, asked) as connection:
        connection.register("counted", pa.table({"number": counted}))
        names = ("model", "start", "stop", "most", "unlabelled", "seed")
        return connection.sql(FRESH, params={n: getattr(asked, n) for n in names}).to_arrow_table()


@contextmanager
def opened(ledger: Ledger, asked: Stretch) -> Iterator[duckdb.DuckDBPyConnection]:
    """The predictions as `log`, and the first label of each as `first`."""
    day = (asked.start - timedelta(days=1)).date()
    labels_from = pa.scalar(asked.start - CLOCKS_APART)
    with (
        explained(ledger.place, "reading the log"),
        tempfile.TemporaryDirectory() as spill,  # what does not fit in memory
        duckdb.connect(":memory:", config={"temp_directory": spill}) as connection,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        log = ledger.rows(TableName.PREDICTIONS).filter(pc.field(PARTITION) >= day)
        connection.register("log", log)
        labels = ledger.rows(TableName.LABELS).filter(pc.field("arrival_time") >= labels_from)
        connection.register("labels", labels)
        connection.execute(FIRST, {"labels_before": asked.labels_before})
        yield connection
