"""Spark folds a ledger to the same counts as this machine does: run by `make test-spark`."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from folded import assert_same, job_of, reference, watched, write_log
from ledgers import START, ledger_at, rows
from timonel.cli.main import build
from timonel.errors import Unavailable
from timonel.fold.local import fold_local
from timonel.fold.spark import fold_spark
from timonel.fold.spark_session import session
from timonel.ledger import Ledger

pytest.importorskip("pyspark", reason="needs pyspark and delta-spark, an extra of several 100 MB")
pytest.importorskip("delta", reason="needs delta-spark")
if shutil.which("java") is None:
    pytest.skip("needs Java", allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def spark() -> object:
    """One session for all tests: it takes seconds to start."""
    try:
        with session("local[2]", {}) as running:
            yield running
    except Unavailable as error:  # the jars come from Maven Central
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Four days with labels in later days' files, repeated ids and corrections."""
    return write_log(tmp_path_factory.mktemp("fold") / "ledger")


def test_both_engines_count_the_same(ledger: Ledger) -> None:
    """To the bit: service, outcomes by the latest label, slices and features; and as one monitor does."""
    found = fold_spark(job_of(ledger), "local[2]")
    assert_same(found, fold_local(job_of(ledger), workers=1))
    assert_same(found, watched(ledger))


def test_both_engines_select_the_same(ledger: Ledger) -> None:
    """Of a span, a model and a version."""
    from datetime import timedelta

    chosen = {"start": START + timedelta(hours=30), "model": "fraud", "version": "4"}
    assert_same(
        fold_spark(job_of(ledger, **chosen), "local[2]"), fold_local(job_of(ledger, **chosen), 1)
    )


def test_spark_folds_an_empty_ledger_and_one_without_labels(tmp_path: Path) -> None:
    """Nothing is counted, or nothing is labelled."""
    ledger = ledger_at(tmp_path / "ledger")
    assert fold_spark(job_of(ledger), "local[2]").rows == 0
    ledger.append("predictions", rows(0, 30) | {"Distance (mi)": [1.0] * 30})
    assert_same(fold_spark(job_of(ledger), "local[2]"), watched(ledger))


def test_the_command_folds_on_spark(ledger: Ledger, tmp_path: Path) -> None:
    """`--engine spark` prints the same figures as `--engine local`."""
    reference().save(tmp_path / "reference.parquet")
    told = []
    for engine in (["spark", "--master", "local[2]"], ["local", "--workers", "1"]):
        arguments = [
            "--ledger",
            ledger.place.uri,
            "--reference",
            str(tmp_path / "reference.parquet"),
        ]
        result = CliRunner().invoke(
            build(), ["ledger", "fold", *arguments, "--engine", *engine, "--json"]
        )
        assert result.exit_code == 0, result.output
        told.append({k: v for k, v in json.loads(result.stdout).items() if k != "seconds"})
    assert told[0] == told[1]
