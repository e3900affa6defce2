"""Every kind of source becomes the same version of the data."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyarrow import csv, parquet
from sqlalchemy import create_engine

from slices import Settings
from timonel.errors import BadInput, Corrupt, Unavailable
from timonel_components.data.versions import DataVersion, read_version
from timonel_components.ingest import ingest


def write_csv(table: pa.Table, folder: Path) -> dict[str, object]:
    """Write a CSV; the data section that names it."""
    csv.write_csv(table, folder / "table.csv")
    return {"source": "table.csv"}


def write_parquet(table: pa.Table, folder: Path) -> dict[str, object]:
    """Write a Parquet file; the data section that names it."""
    parquet.write_table(table, folder / "table.parquet")
    return {"source": "table.parquet"}


def write_delta(table: pa.Table, folder: Path) -> dict[str, object]:
    """Write a Delta table; the data section that names it."""
    write_deltalake(str(folder / "table"), table)
    return {"source": "table"}


def write_sqlite(table: pa.Table, folder: Path) -> dict[str, object]:
    """Fill a SQLite database, which has no type for times; the data section that names it."""
    frame = table.to_pandas()
    frame["occurred_at"] = frame["occurred_at"].dt.strftime("%Y-%m-%d %H:%M:%S")
    engine = create_engine(f"sqlite:///{folder / 'table.db'}")
    frame.to_sql("accidents", engine, index=False)
    engine.dispose()
    return {
        "source": "sqlite:///table.db",
        "query": "SELECT * FROM accidents ORDER BY occurred_at, accident_id",
    }


WRITERS = (write_csv, write_parquet, write_delta, write_sqlite)


@pytest.mark.parametrize("write", WRITERS)
def test_every_format_reads_back_as_the_same_rows(
    write: object, accidents: pa.Table, settings: Settings, tmp_path: Path
) -> None:
    """CSV, Parquet, Delta and SQL give the same values, types and order as the real table."""
    assert callable(write)
    config = settings(data=write(accidents, tmp_path))
    data = ingest(config)
    back = read_version(data)
    assert data.rows == back.num_rows == accidents.num_rows
    assert back.schema.field("occurred_at").type == pa.timestamp("us", tz="UTC")
    assert back.column_names == accidents.column_names
    for name in ("accident_id", "occurred_at", "severe", "twilight"):
        assert back[name].to_pylist() == accidents[name].to_pylist(), name
    # a column of whole numbers in a CSV has no way to say that it holds floats
    temperatures = accidents["temperature_f"].to_pylist()
    assert back["temperature_f"].to_pylist() == temperatures


def test_the_same_content_makes_no_new_version(
    accidents: pa.Table, settings: Settings, tmp_path: Path
) -> None:
    """A second ingest of an unchanged source returns the version that is there."""
    config = settings(data=write_parquet(accidents, tmp_path))
    first = ingest(config)
    assert (first.version, first.digest is None) == (0, False)
    assert ingest(config) == first
    assert DeltaTable(first.uri).version() == 0


def test_other_formats_of_the_same_content_make_no_new_version(
    accidents: pa.Table, settings: Settings, tmp_path: Path
) -> None:
    """What counts is the content: a CSV of the same floats, texts and times is no news."""
    table = accidents.select(["accident_id", "occurred_at", "twilight", "severe"])
    first = ingest(settings(data=write_parquet(table, tmp_path)))
    assert ingest(settings(data=write_csv(table, tmp_path))) == first


def test_a_changed_table_is_a_new_version_and_the_old_one_stays(
    accidents: pa.Table, settings: Settings, tmp_path: Path
) -> None:
    """A changed schema and other rows make the next version; the version before reads as it was."""
    first = ingest(settings(data=write_parquet(accidents, tmp_path)))
    changed = (
        accidents.slice(100)
        .drop(["humidity_pct"])
        .append_column("wind", pa.array([1.5] * (accidents.num_rows - 100)))
    )
    second = ingest(settings(data=write_parquet(changed, tmp_path)))
    assert second.version == 1
    assert "wind" in read_version(second).column_names
    old = read_version(first)
    assert old.num_rows == accidents.num_rows
    assert "humidity_pct" in old.column_names


def test_rows_keep_their_order_in_many_batches(settings: Settings, tmp_path: Path) -> None:
    """A table in many pieces reads back in the order in which it came."""
    rows = 400_000
    table = pa.table({"occurred_at": pa.array(range(rows)), "severe": [0, 1] * (rows // 2)})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=10_000)
    changes = {"source": "t.parquet", "key": None, "categorical": []}
    back = read_version(ingest(settings(data=changes)))
    assert back["occurred_at"].to_pylist() == list(range(rows))


def test_text_times_are_parsed_and_naive_ones_are_utc(settings: Settings, tmp_path: Path) -> None:
    """ISO 8601 text with and without a zone becomes instants in UTC."""
    times = ["2024-01-01", "2024-01-01T10:00:00+02:00", "2024-01-01 08:30", "2024-01-01T12"]
    rows = [f"{time},{i % 2}" for i, time in enumerate([*times, "2024-01-01T14+02"])]
    (tmp_path / "t.csv").write_text("\n".join(["occurred_at,severe", *rows]))
    config = settings(data={"source": "t.csv", "key": None, "categorical": []})
    assert read_version(ingest(config))["occurred_at"].to_pylist() == [
        datetime(2024, 1, 1, 0, tzinfo=UTC),
        datetime(2024, 1, 1, 8, tzinfo=UTC),
        datetime(2024, 1, 1, 8, 30, tzinfo=UTC),
        datetime(2024, 1, 1, 12, tzinfo=UTC),
        datetime(2024, 1, 1, 12, tzinfo=UTC),
    ]


def test_a_table_out_of_order_is_sorted_when_asked(
    accidents: pa.Table, settings: Settings, tmp_path: Path
) -> None:
    """With data.time_order sort the rows come in the order of time, whatever the file's."""
    data = write_parquet(accidents.take(list(reversed(range(accidents.num_rows)))), tmp_path)
    back = read_version(ingest(settings(data=data | {"time_order": "sort"})))
    times = back["occurred_at"].to_pylist()
    assert times == sorted(times)


def test_dropped_columns_of_odd_types_are_left_out(settings: Settings, tmp_path: Path) -> None:
    """A column that cannot be stored does no harm once data.drop names it."""
    table = pa.table(
        {
            "occurred_at": pa.array([1, 2], pa.int16()),
            "severe": [0, 1],
            "took": pa.array([1, 2], pa.duration("s")),
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    data = {"source": "t.parquet", "key": None, "categorical": []}
    with pytest.raises(BadInput, match=r"t\.parquet: column took has type duration"):
        ingest(settings(data=data))
    assert read_version(ingest(settings(data=data | {"drop": ["took"]}))).num_rows == 2


def test_a_version_that_is_not_there_says_so(
    accidents: pa.Table, settings: Settings, tmp_path: Path
) -> None:
    """Reading a version or a table that does not exist names it."""
    data = ingest(settings(data=write_parquet(accidents, tmp_path)))
    with pytest.raises(BadInput, match="version 7 cannot be read"):
        read_version(data.model_copy(update={"version": 7}))
    with pytest.raises(BadInput, match="no such Delta table"):
        read_version(DataVersion(uri=str(tmp_path / "none"), version=0, rows=1))


def test_a_version_that_was_tampered_with_is_refused(
    accidents: pa.Table, settings: Settings, tmp_path: Path
) -> None:
    """A data file replaced by another of the same shape is found out by its digest."""
    data = ingest(settings(data=write_parquet(accidents, tmp_path)))
    (file,) = Path(data.uri).glob("*.parquet")
    table = parquet.ParquetFile(file).read()
    parquet.write_table(table.take(list(reversed(range(table.num_rows)))), file)
    with pytest.raises(Corrupt, match="version 0"):
        read_version(data)


def test_the_password_of_a_database_is_never_shown(settings: Settings) -> None:
    """An unreachable database is named without its password."""
    source = {"source": "mysql+pymysql://tim:s3cret@127.0.0.1:9/shop", "query": "SELECT 1"}
    with pytest.raises((BadInput, Unavailable)) as caught:
        ingest(settings(data=source))
    assert "s3cret" not in str(caught.value)
    assert "tim" in str(caught.value)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (None, "data.query is not set"),
        ("SELECT * FROM nowhere", "data.query fails: no such table: nowhere"),
        ("SELECT severe, severe FROM accidents", "gives the column severe more than once"),
        ("SELECT * FROM accidents WHERE severe > 9", "gives no rows"),
        (
            "SELECT occurred_at, CASE WHEN accident_id % 2 THEN 'odd' ELSE 2.5 END AS odd, severe"
            " FROM accidents ORDER BY 1",
            r"column odd, row \d+ is .* while the rows before hold",
        ),
    ],
)
def test_a_bad_query_is_explained(
    query: str | None, message: str, accidents: pa.Table, settings: Settings, tmp_path: Path
) -> None:
    """What is wrong with the statement or its result is said, with the database's name."""
    data = write_sqlite(accidents, tmp_path) | {"query": query}
    with pytest.raises(BadInput, match=message) as caught:
        ingest(settings(data=data))
    assert "table.db" in str(caught.value)


def test_sqlite_is_not_asked_to_make_the_file(settings: Settings, tmp_path: Path) -> None:
    """A misspelt SQLite path is an error, and no empty database is left there."""
    with pytest.raises(BadInput, match="no such file"):
        ingest(settings(data={"source": "sqlite:///typo.db", "query": "SELECT 1"}))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_scheme_lists_what_can_be_read(settings: Settings) -> None:
    """An address of an unknown kind says which kinds there are."""
    with pytest.raises(BadInput, match="ftp:// is not something Timonel reads"):
        ingest(settings(data={"source": "ftp://host/table.csv"}))
