"""Table files: what is read, and what is said of those that cannot be."""

import re
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from timonel.errors import BadInput
from timonel.tables import open_table, read_table

ROWS = "\n".join(f"{i},{i * 1.5},ES" for i in range(50)) + "\n"


def written(tmp_path: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty, expected a CSV"),
        ("a,b,c\n", "has no rows"),
        ("a,b,a\n" + ROWS, "has the column a more than once"),
        ("a,b,c\n" + ROWS + "1,2\n", "row 50: has 2 values, the header has 3"),
        ("a,b,c\n" + ROWS + "7,many,ES\n", "column b, row 50 is 'many', while 98.0% of the column"),
        (
            b"a,b,c\n" + ROWS.encode() + b"1,2,Espa\xf1a\n",
            "column c, row 50: not UTF-8 text (byte 0xf1)",
        ),
    ],
)
def test_a_bad_csv_is_named_with_its_row_and_column(
    tmp_path: Path, content: str | bytes, says: str
) -> None:
    """The message names the file and where in it the mistake is."""
    path = written(tmp_path, content)
    with pytest.raises(BadInput, match=re.escape(says)) as caught:
        read_table(path)
    assert str(path) in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A missing file, a folder, UTF-16 text and a false Parquet file each say so."""
    with pytest.raises(BadInput, match="no such file"):
        open_table(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="is a folder"):
        open_table(tmp_path)
    with pytest.raises(BadInput, match="not a whole Parquet file"):
        open_table(written(tmp_path, "PAR1 and no more", "t.parquet"))
    with pytest.raises(BadInput, match="UTF-16"):
        open_table(written(tmp_path, "a,b\n1,2\n".encode("utf-16")))


def test_csv_and_parquet_give_the_same_table(tmp_path: Path) -> None:
    """The same rows read the same from both formats, whole or in pieces."""
    table = read_table(written(tmp_path, "a,b,c\n" + ROWS))
    parquet.write_table(table, tmp_path / "t.parquet")
    again = open_table(tmp_path / "t.parquet")
    assert again.rows == 50
    assert pa.Table.from_batches(again.batches(rows=7)) == table
    pieces = open_table(tmp_path / "t.csv")
    assert pieces.rows is None
    assert pa.Table.from_batches(pieces.batches()).cast(table.schema) == table


def test_an_empty_field_is_missing_not_empty_text(tmp_path: Path) -> None:
    """A CSV field with nothing in it is a missing value in every column."""
    table = read_table(written(tmp_path, "a,b\n1,x\n,\n"))
    assert table.to_pydict() == {"a": [1, None], "b": ["x", None]}
