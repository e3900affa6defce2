"""What is appended to a ledger is there, whole, once, in the types it keeps."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from ledgers import START, ledger_at, rows, write_at_once
from timonel.errors import BadInput
from timonel.ledger import Mark, TableName
from timonel.ledger.schema import SCHEMAS


@pytest.mark.parametrize("make", [dict, pa.table, pd.DataFrame])
def test_rows_of_any_make_are_read_back(make: Any, tmp_path: Path) -> None:
    """A mapping, an Arrow table and a DataFrame give the same rows."""
    ledger = ledger_at(tmp_path / "ledger")
    assert ledger.append("predictions", make(rows(0, 20))) == 20
    back = ledger.query("SELECT * FROM predictions ORDER BY event_time")
    assert back["prediction_id"].to_pylist() == [f"p{i}" for i in range(20)]
    assert back["prediction"].to_pylist()[:3] == ["0", "1", "0"]
    assert back["amount"].to_pylist() == [float(i) for i in range(20)]
    assert back["event_time"].to_pylist()[0] == START
    assert back["arrival_time"].to_pylist()[0] == START


def test_the_tables_have_the_promised_columns(tmp_path: Path) -> None:
    """Whoever reads the tables finds the columns and types that are documented, by day."""
    ledger = ledger_at(tmp_path / "ledger")
    ledger.append("predictions", rows(0, 4, days=2))
    table = DeltaTable(str(tmp_path / "ledger/predictions"))
    schema = pa.schema(table.schema())
    assert schema.remove(schema.get_field_index("amount")) == SCHEMAS[TableName.PREDICTIONS]
    assert table.metadata().partition_columns == ["partition_date"]
    days = {part["partition_date"] for part in table.partitions()}
    assert days == {"2026-03-01", "2026-03-02"}


def test_a_new_feature_becomes_a_column(tmp_path: Path) -> None:
    """Rows from before it are null there; rows that lack an old one too."""
    ledger = ledger_at(tmp_path / "ledger")
    ledger.append("predictions", rows(0, 1))
    later = rows(1, 1) | {"country": ["ES"]}
    del later["amount"]
    ledger.append("predictions", later)
    back = ledger.query("SELECT amount, country FROM predictions ORDER BY prediction_id")
    assert back.to_pylist() == [
        {"amount": 0.0, "country": None},
        {"amount": None, "country": "ES"},
    ]


def test_values_are_kept_in_one_form(tmp_path: Path) -> None:
    """Integers become floats, NaN null, codes and booleans text where a class is meant, lists JSON."""
    ledger = ledger_at(tmp_path / "ledger")
    given = {
        "event_time": ["2026-03-01T12:00:00+02:00", "2026-03-01 10:30:00"],
        "prediction": [["b", "a"], None],
        "status": [200, 504],
        "entity": pa.array(["x", None]).dictionary_encode(),
        "score": [float("nan"), 1],
        "clicks": [3, None],
        "new": [True, None],
        "nothing": [None, None],
    }
    ledger.append("predictions", given)
    back = ledger.query("SELECT * FROM predictions ORDER BY event_time").to_pylist()
    assert [row["event_time"].hour for row in back] == [10, 10]
    assert [row["prediction"] for row in back] == ['["b","a"]', None]
    assert [row["status"] for row in back] == ["200", "504"]
    assert [row["entity"] for row in back] == ["x", None]
    assert [row["score"] for row in back] == [None, 1.0]
    assert [row["clicks"] for row in back] == [3.0, None]
    assert [row["new"] for row in back] == [True, None]
    assert "nothing" not in back[0]
    ledger.append(
        "labels", {"prediction_id": [1, 2], "label": [True, False], "event_time": [START] * 2}
    )
    labels = ledger.query("SELECT label FROM labels ORDER BY prediction_id")["label"].to_pylist()
    assert labels == ["1", "0"]


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("predictions", {"event_time": [None]}, "1 of 1 rows have no event_time"),
        ("predictions", {"event_time": ["soon"]}, "event_time holds string that does not all read"),
        ("predictions", {"event_time": [1.7e9]}, "holds double that does not all read as times"),
        ("predictions", {"event_time": [datetime(1850, 1, 1)]}, "between the years 1850 and 1850"),
        ("predictions", {"amount": ["a lot"]}, "amount holds string that .* numbers"),
        ("predictions", {"AMOUNT": [1.0]}, "amount and AMOUNT differ in case only"),
        ("predictions", {"label": [1]}, "predictions cannot have the column label"),
        ("labels", {"amount": [1]}, "table labels has no column"),
        ("decisions", {}, "decisions are not appended as rows"),
        ("nonsense", {}, "no table nonsense"),
    ],
)
def test_rows_that_do_not_fit_are_refused_whole(
    table: str, change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """The error names the column, and nothing was written."""
    ledger = ledger_at(tmp_path / "ledger")
    ledger.append("predictions", rows(0, 1))
    with pytest.raises(BadInput, match=message):
        ledger.append(table, rows(1, 1) | change)
    assert ledger.rows("predictions").count_rows() == 1
    assert ledger.rows("labels").count_rows() == 0


def test_an_error_does_not_tell_values(tmp_path: Path) -> None:
    """Errors are logged, and values may be personal."""
    ledger = ledger_at(tmp_path / "ledger")
    ledger.append("predictions", rows(0, 1))
    with pytest.raises(BadInput) as caught:
        ledger.append("predictions", rows(0, 1) | {"amount": ["Ana Pérez"]})
    assert "Ana" not in str(caught.value)


def test_what_is_sent_again_after_a_crash_is_written_once(tmp_path: Path) -> None:
    """A writer that does not know whether its last commit went through repeats it under its mark."""
    ledger = ledger_at(tmp_path / "ledger")
    for number in (1, 2, 2, 1, 3):
        ledger.append("predictions", rows(number, 1), Mark("detector-0", number))
    ledger.append("predictions", rows(9, 1), Mark("detector-1", 1))
    back = ledger.query("SELECT prediction_id FROM predictions ORDER BY 1")
    assert back["prediction_id"].to_pylist() == ["p1", "p2", "p3", "p9"]


def test_writers_in_several_processes_lose_nothing(tmp_path: Path) -> None:
    """Each row is there once, each new column too, and the decisions are one chain."""
    home = tmp_path / "ledger"
    written = write_at_once(str(home), {}, writers=2, commits=4)
    ledger = ledger_at(home)
    assert written == [40, 40]
    counted = ledger.query("SELECT count(*) n, count(DISTINCT prediction_id) ids FROM predictions")
    assert counted.to_pylist() == [{"n": 80, "ids": 80}]
    assert sum(n.startswith("feature_") for n in ledger.rows("predictions").schema.names) == 4
    assert ledger.verify().whole
    assert ledger.verify().records == 8


def test_many_small_commits_become_one_file_a_day(tmp_path: Path) -> None:
    """Compaction leaves the rows as they are, and a second one has nothing to do."""
    ledger = ledger_at(tmp_path / "ledger")
    for k in range(12):
        ledger.append("predictions", rows(k * 10, 10, days=2))
    before = ledger.query("SELECT * FROM predictions ORDER BY prediction_id")
    (done,) = ledger.compact()
    assert (done.before, done.after) == (24, 2)
    assert ledger.query("SELECT * FROM predictions ORDER BY prediction_id") == before
    (again,) = ledger.compact()
    assert (again.before, again.after) == (2, 2)


def test_readers_finish_while_files_are_compacted(tmp_path: Path) -> None:
    """The files that a reader has opened stay for a day."""
    ledger = ledger_at(tmp_path / "ledger")
    for k in range(3):
        ledger.append("predictions", rows(k * 10, 10))
    opened = ledger.rows("predictions")
    ledger.compact()
    assert opened.count_rows() == 30
    assert opened.to_table().num_rows == 30


def test_no_rows_are_no_commit(tmp_path: Path) -> None:
    """An empty batch leaves no trace but the table."""
    ledger = ledger_at(tmp_path / "ledger")
    assert ledger.append("predictions", rows(0, 0)) == 0
    assert DeltaTable(str(tmp_path / "ledger/predictions")).version() == 0


def test_the_day_is_that_of_utc(tmp_path: Path) -> None:
    """A time in another zone counts to the day in UTC."""
    ledger = ledger_at(tmp_path / "ledger")
    ledger.append("predictions", {"event_time": ["2026-03-01T23:30:00-05:00"]})
    found = ledger.query("SELECT partition_date FROM predictions").to_pylist()
    assert found == [{"partition_date": date(2026, 3, 2)}]
