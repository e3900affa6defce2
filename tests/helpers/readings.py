"""Readings of a log by window, as a monitor takes them: the simulated traffic of the anomaly tests."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.anomalies import TRAFFIC, Reading
from timonel.faults.columns import micros, numbers
from timonel.performance.intervals import wilson
from timonel.performance.value import Measured, State

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MATURE = 0.95
"""Share of a window's labels that must have arrived."""
LEAST = 20
Rows = NDArray[np.bool_]


def readings(
    table: pa.Table, step: timedelta, looked: timedelta = timedelta(days=5)
) -> Iterator[list[Reading]]:
    """For each window its readings, as a list an update.

    Once a day comes the quality of the day that ended `looked` ago, with the labels that had arrived;
    immature where less than 95 % of them had.
    """
    time = micros(table, "event_time")
    width = step // timedelta(microseconds=1)
    first, last = int(time.min()) // width, int(time.max()) // width
    place = time // width - first
    count = int(last - first + 1)
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(count + 1))
    columns = _columns(table)
    day, back = timedelta(days=1) // step, looked // step
    for i in range(count):
        start = EPOCH + (first + i) * step
        found = _served(columns, order[bounds[i] : bounds[i + 1]], start, start + step)
        old = i + 1 - back
        if (first + i + 1) % day == 0 and old >= day:
            rows = order[bounds[old - day] : bounds[old]]
            found += _quality(columns, rows, start + step - looked, start + step)
        yield found


def _columns(table: pa.Table) -> dict[str, NDArray[np.float64]]:
    arrived = micros(table, "label_arrival_time").astype(np.float64)
    return {
        "latency": numbers(table, "latency_ms"),
        "score": numbers(table, "score"),
        "null": np.asarray(table["prediction"].is_null(), dtype=np.float64),
        "predicted": np.asarray(pc.fill_null(table["prediction"], -1), dtype=np.float64),
        "error": np.asarray(pc.greater_equal(table["status"], 500), dtype=np.float64),
        "label": numbers(table, "label"),
        "arrived": arrived,
    }


def _served(
    columns: dict[str, NDArray[np.float64]], rows: NDArray[np.int64], start: datetime, end: datetime
) -> list[Reading]:
    n = len(rows)
    traffic = Measured(float(n), n=n) if n else Measured.absent(State.NO_DATA)
    found = {TRAFFIC: traffic}
    for name in ("null", "error"):
        found[f"{name}_rate"] = rate(columns[name][rows])
    known = columns["null"][rows] == 0
    found["alert_rate"] = rate(columns["predicted"][rows][known] == 1)
    score, latency = columns["score"][rows][known], columns["latency"][rows]
    found["mean_score"] = plain(score, float(np.mean(score)) if len(score) else 0.0)
    for name, q in (("p50", 50), ("p95", 95), ("p99", 99)):
        found[f"{name}_latency_ms"] = plain(latency, float(np.percentile(latency, q)) if n else 0.0)
    return [Reading(start, end, metric, value) for metric, value in found.items()]


def _quality(
    columns: dict[str, NDArray[np.float64]], rows: NDArray[np.int64], end: datetime, now: datetime
) -> list[Reading]:
    here = columns["arrived"][rows] <= (now - EPOCH) // timedelta(microseconds=1)
    rows = rows[here & (columns["predicted"][rows] >= 0)]
    predicted, score = columns["predicted"][rows], columns["score"][rows]
    hits = columns["label"][rows] == predicted
    gap = hits - np.where(predicted == 1, score, 1 - score)
    found = {
        "accuracy": rate(hits),
        "accuracy_gap": plain(gap, float(gap.mean()) if len(gap) else 0),
    }
    if here.mean() < MATURE:
        found = dict.fromkeys(found, Measured.absent(State.IMMATURE, len(rows)))
    return [Reading(end - timedelta(days=1), end, name, value) for name, value in found.items()]


def rate(hits: NDArray[np.generic]) -> Measured:
    """A share with Wilson's interval, or too few rows."""
    n = len(hits)
    if n < LEAST:
        return Measured.absent(State.TOO_FEW if n else State.NO_DATA, n)
    p = float(np.mean(hits))
    return Measured(p, *wilson(p, p * (1 - p) / n, n), n)


def plain(values: NDArray[np.float64], value: float) -> Measured:
    """A number without an interval, or too few rows."""
    n = len(values)
    if n < LEAST:
        return Measured.absent(State.TOO_FEW if n else State.NO_DATA, n)
    return Measured(value, n=n)


def failing(table: pa.Table, onset: datetime, end: datetime, share: float) -> pa.Table:
    """The log with a share of status 500 between two moments."""
    time = micros(table, "event_time")
    first, last = ((moment - EPOCH) // timedelta(microseconds=1) for moment in (onset, end))
    hit = (time >= first) & (time < last)
    hit &= np.random.default_rng(0).random(len(time)) < share
    status = np.where(hit, 500, np.asarray(table["status"])).astype(np.int32)
    return table.set_column(table.schema.get_field_index("status"), "status", pa.array(status))
