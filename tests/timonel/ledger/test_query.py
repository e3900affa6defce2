"""SQL reads the four tables and reaches nothing else."""

from pathlib import Path

import pytest

from ledgers import decision, ledger_at, rows
from timonel.errors import BadInput
from timonel.ledger import Ledger


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Predictions, labels and a decision; no windows yet."""
    made = ledger_at(tmp_path_factory.mktemp("query") / "ledger")
    made.append("predictions", rows(0, 100, days=4))
    made.append(
        "labels", {k: rows(0, 50)[k] for k in ("prediction_id", "event_time")} | {"label": [1] * 50}
    )
    made.decide(decision(0))
    return made


def test_tables_join(ledger: Ledger) -> None:
    """The accuracy of the labelled ones, in SQL."""
    sql = (
        "SELECT avg((prediction = label)::int) a FROM predictions JOIN labels USING (prediction_id)"
    )
    assert ledger.query(sql).to_pylist() == [{"a": 0.5}]


def test_a_table_that_nothing_was_written_to_is_empty(ledger: Ledger) -> None:
    """It has its columns and no rows."""
    assert ledger.query("SELECT count(*) n FROM windows WHERE n > 0").to_pylist() == [{"n": 0}]
    named = ledger.query("DESCRIBE windows")["column_name"].to_pylist()
    assert named[:4] == ["model", "version", "slice", "window_start"]


def test_times_are_utc(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the query runs, a day is a day of UTC."""
    monkeypatch.setenv("TZ", "America/New_York")
    sql = "SELECT DISTINCT event_time::date = partition_date AS same FROM predictions"
    assert ledger.query(sql).to_pylist() == [{"same": True}]


def test_the_rows_given_are_bounded(ledger: Ledger) -> None:
    """A limit holds whatever the statement says."""
    assert ledger.query("SELECT * FROM range(1000000000)", limit=7).num_rows == 7


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "COPY predictions TO '{out}'",
        "COPY (SELECT 1) TO '{out}'",
        "ATTACH '{out}'",
        "EXPORT DATABASE '{out}'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW predictions",
        "DELETE FROM predictions",
        "UPDATE predictions SET entity = 'x'",
        "SELECT 1; DROP VIEW predictions",
        "SELECT * FROM ledger",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}'",
        "WITH x AS (DELETE FROM predictions RETURNING *) SELECT * FROM x",
        "",
        ";",
        "SELEC 1",
        "SELECT nothing FROM predictions",
        "SELECT CAST('x' AS INTEGER)",
    ],
)
def test_anything_but_reading_the_tables_is_bad_input(
    sql: str, ledger: Ledger, tmp_path: Path
) -> None:
    """Files, settings, variables of the process and other statements are out of reach."""
    out = tmp_path / "out"
    with pytest.raises(BadInput, match="the query"):
        ledger.query(sql.format(out=out))
    assert not out.exists()
    assert ledger.rows("predictions").count_rows() == 100
