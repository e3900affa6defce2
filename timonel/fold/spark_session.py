"""A Spark session that reads Delta tables, and what its failures mean."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from timonel.errors import Unavailable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTINGS: Mapping[str, str] = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "131072",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.ui.enabled": "false",
}
SMALL = "spark.sql.shuffle.partitions", "4"
"""In one machine: Spark's own 200 cost more than they carry."""
FIX = "pip install 'timonel[spark]' into an environment of its own, and Java 17 or later"


@contextmanager
def session(master: str | None, options: Mapping[str, str]) -> "Iterator[SparkSession]":
    """A session with Delta Lake: the running one, which is left running, or one that ends with the block."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise Unavailable("Spark needs Java, and there is none", fix=FIX)
    try:
        from delta import configure_spark_with_delta_pip
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise Unavailable(
            f"the Spark engine needs {error.name}, which is not installed", fix=FIX
        ) from None
    running = SparkSession.getActiveSession()
    if running is not None:
        with _failures_told():
            yield running
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("timonel ledger fold")
    for name, value in _settings(master, options).items():
        builder = builder.config(name, value)
    try:
        spark = configure_spark_with_delta_pip(builder, _packages(options)).getOrCreate()
    except Exception as error:
        raise Unavailable(
            f"Spark does not start: {_told(error)}",
            why="delta-spark's jars come from Maven Central at the first start",
            fix="check the network, or give the jars by spark.jars in spark-defaults.conf",
        ) from error
    try:
        spark.sparkContext.setLogLevel("ERROR")
        with _failures_told():
            yield spark
    finally:
        spark.stop()


@contextmanager
def _failures_told() -> Iterator[None]:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException) as error:
        raise Unavailable(
            f"the fold on Spark failed: {_told(error)}",
            why="all machines must reach the ledger and have timonel installed",
            fix="look into Spark's log; --engine local tells whether the ledger itself can be read",
        ) from error


def _settings(master: str | None, options: Mapping[str, str]) -> dict[str, str]:
    found = dict(SETTINGS)
    if master is not None:
        found["spark.master"] = master
        if master.startswith("local"):
            found |= dict([SMALL])
    return found | _s3(options)


def _s3(options: Mapping[str, str]) -> dict[str, str]:
    """What Hadoop's S3 client is told, of what deltalake is."""
    named = {
        "AWS_ENDPOINT_URL": "endpoint",
        "AWS_REGION": "endpoint.region",
        "AWS_ACCESS_KEY_ID": "access.key",
        "AWS_SECRET_ACCESS_KEY": "secret.key",
        "AWS_SESSION_TOKEN": "session.token",
    }
    found = {
        f"spark.hadoop.fs.s3a.{to}": options[name] for name, to in named.items() if name in options
    }
    if "AWS_ENDPOINT_URL" in options:
        found["spark.hadoop.fs.s3a.path.style.access"] = "true"
    return found


def _packages(options: Mapping[str, str]) -> list[str]:
    """Besides Delta Lake's own: for a place on S3 Hadoop's client, of the release that Spark brings."""
    import pyspark

    if not options:
        return []
    jar = next((Path(pyspark.__file__).parent / "jars").glob("hadoop-client-api-*.jar"))
    return [f"org.apache.hadoop:hadoop-aws:{jar.stem.removeprefix('hadoop-client-api-')}"]


def _told(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next(
        (x for x in lines if "not found" in x or "unresolved" in x), lines[0] if lines else ""
    )
