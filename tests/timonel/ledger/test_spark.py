"""Apache Spark reads a ledger as any Delta table."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledgers import decision, ledger_at, rows

pytest.importorskip("pyspark", reason="needs pyspark and delta-spark, an extra of several 100 MB")
pytest.importorskip("delta", reason="needs delta-spark")
if shutil.which("java") is None:
    pytest.skip("needs Java", allow_module_level=True)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session with Delta Lake, as a user makes it."""
    from delta import configure_spark_with_delta_pip
    from pyspark.sql import SparkSession

    warehouse = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        delta = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
        builder = (
            SparkSession.builder.master("local[2]")
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config("spark.sql.catalog.spark_catalog", delta)
            .config("spark.sql.warehouse.dir", str(warehouse))
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.databricks.delta.snapshotPartitions", "2")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.session.timeZone", "UTC")
        )
        try:
            session = configure_spark_with_delta_pip(builder).getOrCreate()
        except Exception as error:  # the jar of delta-spark comes from Maven Central
            pytest.skip(f"Delta Lake's jar cannot be fetched: {str(error)[:200]}")
        yield session
        session.stop()


def test_spark_reads_what_the_ledger_holds(spark: Any, tmp_path: Path) -> None:
    """All rows of all commits, evolved, compacted and erased, in their types and partitions."""
    ledger = ledger_at(tmp_path / "ledger")
    ledger.append("predictions", rows(0, 30, days=3))
    ledger.append("predictions", rows(30, 10, days=3) | {"Distance (mi)": [1.5] * 10})
    for number in range(3):
        ledger.decide(decision(number))
    ledger.compact()
    removed = ledger.erase("person-3", decision(9).time, "r").rows["predictions"]
    table = spark.read.format("delta").load(str(tmp_path / "ledger/predictions"))
    assert table.count() == 40 - removed
    types = dict(table.dtypes)
    assert (types["event_time"], types["amount"]) == ("timestamp", "double")
    assert table.where("partition_date = '2026-03-02'").count() == sum(
        day.isoformat() == "2026-03-02"
        for day in ledger.rows("predictions").to_table()["partition_date"].to_pylist()
    )
    assert table.where("`Distance (mi)` = 1.5").count() == 10 - sum(
        i % 7 == 3 for i in range(30, 40)
    )
    chain = spark.read.format("delta").load(str(tmp_path / "ledger/decisions"))
    assert [r.hash for r in chain.orderBy("seq").collect()] == [r.hash for r in ledger.decisions()]
