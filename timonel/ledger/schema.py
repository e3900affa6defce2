"""The four tables of a ledger and their columns."""

from enum import StrEnum

import pyarrow as pa

TIME = pa.timestamp("us", "UTC")
PARTITION = "partition_date"
"""The day, in UTC, of the column that a table is partitioned by."""


class TableName(StrEnum):
    """The tables of a ledger."""

    PREDICTIONS = "predictions"
    LABELS = "labels"
    WINDOWS = "windows"
    DECISIONS = "decisions"


SCHEMAS = {
    TableName.PREDICTIONS: pa.schema(
        [
            ("prediction_id", pa.string()),
            ("event_time", TIME),
            ("arrival_time", TIME),
            ("model", pa.string()),
            ("version", pa.string()),
            ("entity", pa.string()),
            ("score", pa.float64()),
            ("prediction", pa.string()),
            ("latency_ms", pa.float64()),
            ("status", pa.string()),
            ("violations", pa.int32()),
            (PARTITION, pa.date32()),
        ]
    ),
    TableName.LABELS: pa.schema(
        [
            ("prediction_id", pa.string()),
            ("label", pa.string()),
            ("event_time", TIME),
            ("arrival_time", TIME),
            (PARTITION, pa.date32()),
        ]
    ),
    TableName.WINDOWS: pa.schema(
        [
            ("model", pa.string()),
            ("version", pa.string()),
            ("slice", pa.string()),
            ("window_start", TIME),
            ("window_size", pa.int64()),  # microseconds
            ("metric", pa.string()),
            ("value", pa.float64()),  # null while the state is not "ok"
            ("lower", pa.float64()),
            ("upper", pa.float64()),
            ("n", pa.int64()),
            ("state", pa.string()),
            (PARTITION, pa.date32()),
        ]
    ),
    TableName.DECISIONS: pa.schema(
        [
            ("seq", pa.int64()),
            ("time", TIME),
            ("kind", pa.string()),
            ("model", pa.string()),
            ("version", pa.string()),
            ("summary", pa.string()),
            ("details", pa.string()),  # canonical JSON
            ("previous", pa.string()),
            ("hash", pa.string()),
            (PARTITION, pa.date32()),
        ]
    ),
}

CLOCKS = {
    TableName.PREDICTIONS: "event_time",
    TableName.LABELS: "event_time",
    TableName.WINDOWS: "window_start",
    TableName.DECISIONS: "time",
}
"""The column that says when a row happened: by its day the table is partitioned."""

JOINED = ("label", "label_event_time", "label_arrival_time")
"""Columns that a replay adds to predictions."""


def properties(table: TableName) -> dict[str, str]:
    """The properties of a new table.

    The log keeps the smallest and largest value of the time alone: those of other columns would name
    entities that have long been erased from the data.
    """
    number = ",seq" if table is TableName.DECISIONS else ""  # finds the last one in one file
    return {
        "delta.dataSkippingStatsColumns": CLOCKS[table] + number,
        "delta.deletedFileRetentionDuration": "interval 1 days",
        "delta.logRetentionDuration": "interval 30 days",
    }
