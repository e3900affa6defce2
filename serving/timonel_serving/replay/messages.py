"""A log as what the running processes take: CloudEvents of KServe's agent, and tables of labels."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

KIND = "application/cloudevents-batch+json"
_TYPE = "org.kubeflow.serving.inference."


def events(rows: pa.Table, model: str, features: Sequence[str]) -> bytes:
    """One message in CloudEvents' batched mode: the request and the response of each row."""
    inputs = rows.select(list(features)).to_pylist()
    told = rows.drop_columns(list(features)).to_pylist()
    pairs = (_pair(row, given, model) for row, given in zip(told, inputs, strict=True))
    return orjson.dumps([event for pair in pairs for event in pair])


def _pair(row: dict[str, Any], given: dict[str, Any], model: str) -> Iterator[dict[str, Any]]:
    at: datetime = row["event_time"]
    common = {
        "specversion": "1.0",
        "id": row["prediction_id"],
        "source": "timonel/replay",
        "time": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "inferenceservicename": model,
        "component": "predictor",
        "modelversion": row["version"],
    }
    yield {**common, "type": f"{_TYPE}request", "data": {"instances": [given]}}
    status = row.get("status") or 200
    answer: dict[str, Any] = {"predictions": [row["prediction"]], "scores": [row["score"]]}
    if status != 200:
        answer = {"error": "the row was refused"}
    outcome = {"latencyms": f"{row['latency_ms']:.3f}", "status": str(status)}
    yield {**common, **outcome, "type": f"{_TYPE}response", "data": answer}


def labels(rows: pa.Table) -> bytes:
    """The labels of these rows as a Parquet file."""
    table = rows.select(["prediction_id", "label", "label_arrival_time"])
    sink = pa.BufferOutputStream()
    pq.write_table(table.rename_columns(["prediction_id", "label", "arrival_time"]), sink)
    return bytes(sink.getvalue())
