"""Fold a ledger on Apache Spark: the same two steps, on any number of machines."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from timonel.fold.counting import empty_monitor, fold, merge
from timonel.fold.job import FoldJob
from timonel.fold.plan import Plan, plan, with_left_out
from timonel.fold.snapshot import Snapshot
from timonel.fold.spark_session import session
from timonel.ledger.place import explained
from timonel.ledger.schema import PARTITION, TableName
from timonel.monitor.parcel import Parcel

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def fold_spark(job: FoldJob, master: str | None = None) -> Parcel:
    """Count what the job selects; the same parcel, to the bit, that `fold_local` makes.

    Args:
        job: the ledger and how it is counted; all machines must reach its place.
        master: such as local[4] or yarn; that of spark-submit or of Spark's settings if not given.

    Raises Unavailable where Java, pyspark or delta-spark's jars are missing.
    """
    with explained(job.place, "folding"):
        snapshot = Snapshot.of(job.place, TableName.PREDICTIONS)
        if snapshot is None:
            return empty_monitor(job).hand_over()
        planned = plan(snapshot.files(job.selection), job.config.max_ahead)
    with session(master, job.place.options) as spark:
        rows = _joined(spark, job, snapshot, planned)
        sealed = rows.mapInArrow(_folding(job), "parcel binary").rdd.map(
            lambda row: bytes(row.parcel)
        )
        found = sealed.treeReduce(_merging(job), depth=3) if planned.rows else None
    parcel = empty_monitor(job).hand_over() if found is None else Parcel.from_bytes(found)
    return with_left_out(parcel, planned)


def _folding(job: FoldJob) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A partition of rows as one sealed parcel."""

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"parcel": pa.array([fold(job, batches).to_bytes()], pa.binary())})

    return count


def _merging(job: FoldJob) -> Callable[[bytes, bytes], bytes]:
    def merged(a: bytes, b: bytes) -> bytes:
        return merge(job, map(Parcel.from_bytes, (a, b))).to_bytes()

    return merged


def _joined(spark: "SparkSession", job: FoldJob, snapshot: Snapshot, planned: Plan) -> "DataFrame":
    """The selected predictions with the label that arrived last, as `matching.latest` has it."""
    from pyspark.sql import functions as sql

    counted, selection = job.counted(snapshot.schema), job.selection
    rows = _table(spark, snapshot).where(sql.col(PARTITION).isin(*_days(planned)))
    if selection.start is not None:
        rows = rows.where(sql.col("event_time") >= sql.lit(selection.start))
    if selection.end is not None:
        rows = rows.where(sql.col("event_time") < sql.lit(selection.end))
    for name in ("model", "version"):
        wanted = getattr(selection, name)
        rows = rows if wanted is None else rows.where(sql.col(name) == wanted)
    since = planned.waiting_from(job.config.max_pending) if planned.files else date.max
    waiting = sql.when(sql.col(PARTITION) >= sql.lit(since), sql.col("prediction_id"))
    kept = [*map(_quoted, counted), waiting.alias("prediction_id")]
    said = Snapshot.of(job.place, TableName.LABELS)
    if said is None:
        return rows.select(*kept)
    order = ("arrival_time", "event_time", sql.col("label").isNull().alias("none"), "label")
    latest = (
        _table(spark, said)
        .where("prediction_id IS NOT NULL AND arrival_time IS NOT NULL")
        .groupBy("prediction_id")
        .agg(sql.max(sql.struct(*order)).alias("last"))
    )
    labels = (
        sql.col("last.label").alias("label"),
        sql.col("last.arrival_time").alias("label_arrival_time"),
    )
    return rows.join(latest, "prediction_id", "left").select(*kept, *labels)


def _table(spark: "SparkSession", snapshot: Snapshot) -> "DataFrame":
    uri = snapshot.place.table(snapshot.name).replace("s3://", "s3a://")
    return spark.read.format("delta").option("versionAsOf", snapshot.version).load(uri)


def _days(planned: Plan) -> list[date]:
    return sorted({file.day for file in planned.files})


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
