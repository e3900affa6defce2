"""Tables that cannot be used: each is refused with its file, column and row, and nothing is written."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from slices import Settings
from small_disks import needs_small_disk, on_small_disk
from timonel.config import Config
from timonel.errors import BadInput
from timonel_components.data.versions import read_version
from timonel_components.ingest import ingest
from timonel_components.validate import validate

Spoil = Callable[[pa.Table, Path], None]
LINES = "accident_id,occurred_at,amount,severe\n"


def lines(*rows: str) -> Spoil:
    """A CSV with these rows."""
    return lambda table, path: _write(path, (LINES + "\n".join(rows) + "\n").encode())


def raw(content: bytes) -> Spoil:
    """A file with these bytes."""
    return lambda table, path: _write(path, content)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def column(name: str, values: Callable[[pa.Table], object]) -> Spoil:
    """A Parquet file of the real table with one column replaced or added."""

    def spoil(table: pa.Table, path: Path) -> None:
        kept = table.drop([name]) if name in table.column_names else table
        parquet.write_table(kept.append_column(name, values(table)), path)

    return spoil


def as_csv(change: Callable[[list[str]], list[str]]) -> Spoil:
    """The real table as CSV lines, changed."""

    def spoil(table: pa.Table, path: Path) -> None:
        csv.write_csv(table, path)
        path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")

    return spoil


def _cell(line: int, place: int, value: str) -> Callable[[list[str]], list[str]]:
    def change(rows: list[str]) -> list[str]:
        cells = rows[line].split(",")
        cells[place] = value
        return [*rows[:line], ",".join(cells), *rows[line + 1 :]]

    return change


def _infinite(table: pa.Table) -> pa.Array:
    values = table["temperature_f"].to_numpy().copy()
    values[41] = np.inf
    return pa.array(values)


AT_INGEST: dict[str, tuple[Spoil, str]] = {
    "no such file": (lambda t, p: None, r"table: no such file"),
    "empty file": (raw(b""), r"table: is empty"),
    "no rows": (raw(LINES.encode()), r"table: has no rows"),
    "duplicate columns": (
        raw(b"a,b,a\n1,2,3\n"),
        r"table: has the column a more than once",
    ),
    "columns that differ in capitals": (
        raw(b"occurred_at,severe,Speed,speed\n2020-01-01,0,1,2\n2020-01-02,1,1,2\n"),
        r"table: the columns Speed, speed have the same name",
    ),
    "no target column": (
        raw(b"occurred_at,accident_id,grave\n2020-01-01,1,2\n"),
        r"table: data\.target names the column severe, which the table does not have",
    ),
    "mixed types": (
        as_csv(_cell(18, 5, "warm")),
        r"table: column temperature_f, row 17 is 'warm'",
    ),
    "mixed types far below": (
        lines(*(f"{i},2020-01-01,{i}.5,{i % 2}" for i in range(200_000)), "1,2020-01-01,oops,1"),
        r"table: column amount, row 200000 is 'oops'",
    ),
    "unparsable date": (
        as_csv(_cell(7, 1, "the 3rd of May")),
        r"table: the time column occurred_at, row 6 is 'the 3rd of May'",
    ),
    "ambiguous dates": (
        lines("1,03/04/2020,1.5,0", "2,04/04/2020,1.5,1"),
        r"table: the time column occurred_at, row 0 is '03/04/2020': not a date or time in ISO 8601",
    ),
    "empty date": (
        as_csv(_cell(12, 1, "")),
        r"table: the time column occurred_at, row 11 is empty \(1 rows are\)",
    ),
    "not UTF-8": (
        raw(LINES.encode() + b"1,2020-01-01,caf\xe9,0\n2,2020-01-02,tea,1\n"),
        r"table: column amount, row 0: not UTF-8",
    ),
    "UTF-16": (raw(LINES.encode("utf-16")), r"table: is UTF-16 text, expected UTF-8"),
    "infinity": (
        column("temperature_f", _infinite),
        r"table: column temperature_f, row 41 is inf: expected a finite number",
    ),
    "out of order": (
        as_csv(lambda rows: [rows[0], *rows[1000:], *rows[1:1000]]),
        r"table: the time column occurred_at goes back at row \d+: .* after .* \(1 rows go back\)",
    ),
    "a row too short": (
        as_csv(lambda rows: [*rows[:31], "1,2", *rows[31:]]),
        r"table, row 30: has 2 values, the header has 12",
    ),
    "a cut-off Parquet file": (
        raw(b"PAR1" + b"\0" * 100),
        r"table: not a whole Parquet file",
    ),
    "nested": (
        column("parts", lambda t: pa.array([[1]] * t.num_rows)),
        r"table: column parts has type list",
    ),
}

AT_VALIDATION: dict[str, tuple[Spoil, str]] = {
    "one class": (
        column("severe", lambda t: pa.array([1] * t.num_rows)),
        r"table: the target severe has one value only",
    ),
    "all-null column": (
        column("humidity_pct", lambda t: pa.nulls(t.num_rows, pa.float64())),
        r"table: column humidity_pct has no value in any of the",
    ),
    "null target": (
        column("severe", lambda t: pa.array([None, *t["severe"].to_pylist()[1:]])),
        r"table: the target severe is missing in 1 of",
    ),
    "key twice": (
        column("accident_id", lambda t: pa.array([7, *t["accident_id"].to_pylist()[2:], 7])),
        r"column accident_id, row 0: not unique: 7 2 times",
    ),
    "continuous target": (
        column("severe", lambda t: pa.array(np.linspace(0, 1, t.num_rows))),
        r"table: the target severe holds 0\.0: expected classes",
    ),
}


def _config(settings: Settings) -> Config:
    return settings(data={"source": "table"})


@pytest.mark.parametrize("case", AT_INGEST)
def test_ingest_refuses(case: str, accidents: pa.Table, settings: Settings, tmp_path: Path) -> None:
    """The file, the column and the row are named, and no version is left behind."""
    spoil, message = AT_INGEST[case]
    spoil(accidents, tmp_path / "table")
    config = _config(settings)
    with pytest.raises(BadInput, match=message):
        ingest(config)
    assert not config.home.exists()


@pytest.mark.parametrize("case", AT_VALIDATION)
def test_validation_refuses(
    case: str, accidents: pa.Table, settings: Settings, tmp_path: Path
) -> None:
    """What no model can be trained on is refused with the source and the column."""
    spoil, message = AT_VALIDATION[case]
    spoil(accidents, tmp_path / "table")
    config = _config(settings)
    table = read_version(ingest(config))
    with pytest.raises(BadInput, match=message) as caught:
        validate(table, config)
    assert str(caught.value).startswith("table")


# deltalake's threads may still hold the failed write and abort while Python shuts down: the process is
# left at once, when all it had to say is said
FILL_THE_DISK = """
import os, sys
from pathlib import Path
import numpy as np, pyarrow as pa
from timonel.errors import Unavailable
from timonel_components.data.versions import latest_version, read_version
from timonel_components.data.store import write_version
path = Path(sys.argv[1]) / "data" / "model"
small = pa.table({"x": np.arange(1000)})
big = pa.table({"x": np.random.default_rng(0).normal(size=1_000_000)})
for table, before in ((big, None), (small, None), (big, 0)):
    try:
        write_version(table, path, "test")
    except Unavailable as error:
        print("full:", error.message)
    newest = latest_version(str(path))
    print(None if newest is None else (newest.version, read_version(newest).num_rows))
print(sorted(p.suffix for p in path.glob("*.parquet")))
sys.stdout.flush()
os._exit(0)
"""


@needs_small_disk
def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """On a disk of 2 MB an 8 MB version fails with a clear message; before and after are whole."""
    done = on_small_disk(tmp_path, "2m", FILL_THE_DISK)
    disk = tmp_path / "disk"
    said = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    full = f"full: the disk that holds {disk}/data/model is full: nothing was written there"
    assert said == [full, "None", "(0, 1000)", full, "(0, 1000)", "['.parquet']"]
