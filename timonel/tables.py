"""Table files as a stream of record batches: CSV and Parquet of any size in bounded memory.

A CSV has no types: its columns come as text, and `cast_column` gives them the type that the reader
knows. Every problem is a `BadInput` that names the file, the column and the row; rows count from 0,
without the header.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from timonel.errors import BadInput

BATCH_ROWS = 65_536
BLOCK_BYTES = 4 << 20
"""Bytes of a CSV that are read at once; a single row may not be longer."""
DELIMITERS = (",", ";", "\t")
MOSTLY = 0.9
"""A text column of which this share is numbers is a number column with mistakes."""

_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$|^\s*[-+]?(inf|nan|infinity)\s*$"


@dataclass(frozen=True)
class TableFile:
    """A CSV or Parquet file whose header has been read."""

    path: Path
    format: Literal["csv", "parquet"]
    schema: pa.Schema
    rows: int | None
    """Known beforehand for Parquet only."""

    @cached_property
    def delimiter(self) -> str:
        """What separates the values of a CSV: the candidate that its header holds most often."""
        return _delimiter(self.path)

    def batches(
        self, columns: Sequence[str] | None = None, rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """The rows in order, `rows` at most at once, of the named columns only."""
        names = list(columns if columns is not None else self.schema.names)
        stream = self._csv(names) if self.format == "csv" else self._parquet(names, rows)
        for batch in stream:
            for start in range(0, batch.num_rows, rows):
                yield batch.slice(start, rows)

    def _csv(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        try:
            with _open_csv(self.path, self.delimiter, self.schema.names, columns) as reader:
                yield from reader
        except pa.ArrowInvalid as error:
            raise _csv_problem(self.path, self.schema, str(error)) from None

    def _parquet(self, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        try:
            with pq.ParquetFile(self.path) as file:
                yield from file.iter_batches(batch_size=rows, columns=columns)
        except (pa.ArrowInvalid, OSError) as error:
            raise BadInput(f"{self.path}: not a whole Parquet file: {error}") from None


def open_table(path: Path) -> TableFile:
    """Read the header of a CSV or Parquet file; the content decides which it is, not the name."""
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: is a folder, expected a CSV or Parquet file") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    if not magic:
        raise BadInput(f"{path}: is empty, expected a CSV with a header or a Parquet file")
    if magic[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadInput(f"{path}: is UTF-16 text, expected UTF-8", fix=_recode(path, "UTF-16"))
    table = _open_parquet(path) if magic == b"PAR1" else _open_header(path)
    _refuse_duplicates(table)
    return table


def read_table(path: Path) -> pa.Table:
    """Read a whole file, the types of a CSV inferred from all its rows.

    A column of numbers with a few words in it is an error that names the first such row.
    """
    source = open_table(path)
    table = _read_typed_csv(source) if source.format == "csv" else _read_parquet(source)
    if not table.num_rows:
        raise BadInput(f"{path}: has no rows (its columns are {', '.join(table.column_names)})")
    return table


def cast_column(column: pa.Array, to: pa.DataType, *, where: str, first_row: int = 0) -> pa.Array:
    """Give a column of text its type; a value that does not fit is named with its row.

    `where` starts the message (file and column), `first_row` is the row of the column's first value.
    """
    trimmed = pc.utf8_trim_whitespace(column)
    try:
        return pc.cast(trimmed, to)
    except pa.ArrowInvalid:
        row = next(i for i, value in enumerate(trimmed) if not _casts(value, to))
        raise BadInput(
            f"{where}, row {first_row + row} is {column[row].as_py()!r}: expected {_expected(to)}"
        ) from None


def _read_parquet(source: TableFile) -> pa.Table:
    return pa.Table.from_batches(source.batches(), schema=source.schema)


def _read_typed_csv(source: TableFile) -> pa.Table:
    try:
        table = csv.read_csv(source.path, **_csv_options(source.delimiter, None, None))
    except pa.ArrowInvalid as error:
        raise _csv_problem(source.path, source.schema, str(error)) from None
    for field in table.schema:
        # bytes that are not UTF-8 make Arrow read a column as binary instead of refusing it
        if pa.types.is_binary(field.type):
            raise BadInput(
                _not_utf8(source.path, field.name, table[field.name]), fix=_recode(source.path)
            )
        if pa.types.is_string(field.type):
            _refuse_mixed(source.path, field.name, table[field.name])
    return table


def _not_utf8(path: Path, name: str, column: pa.ChunkedArray) -> str:
    for row, value in enumerate(column.to_pylist()):
        try:
            (value or b"").decode()
        except UnicodeDecodeError as error:
            return f"{path}: column {name}, row {row}: not UTF-8 text (byte 0x{value[error.start]:02x})"
    return f"{path}: column {name}: not UTF-8 text"


def _refuse_mixed(path: Path, name: str, column: pa.ChunkedArray) -> None:
    numbers = pc.match_substring_regex(column, _NUMBER, ignore_case=True)
    filled = len(column) - column.null_count
    share = (pc.sum(numbers).as_py() or 0) / filled if filled else 0.0
    if MOSTLY <= share < 1:
        odd = int(np.argmin(numbers.fill_null(True).to_numpy()))
        raise BadInput(
            f"{path}: column {name}, row {odd} is {column[odd].as_py()!r}, while {share:.1%} of the"
            " column are numbers",
            fix="mend that value or leave it empty",
        )


def _open_parquet(path: Path) -> TableFile:
    try:
        with pq.ParquetFile(path) as file:
            return TableFile(path, "parquet", file.schema_arrow, file.metadata.num_rows)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"{path}: not a whole Parquet file: {error}") from None


def _open_header(path: Path) -> TableFile:
    try:
        with _open_csv(path, _delimiter(path), None, None) as reader:
            names = reader.schema.names
    except UnicodeDecodeError:
        raise BadInput(f"{path}: the header is not UTF-8 text", fix=_recode(path)) from None
    except pa.ArrowInvalid as error:
        raise _csv_problem(path, pa.schema([]), str(error)) from None
    return TableFile(path, "csv", pa.schema([(name, pa.string()) for name in names]), None)


def _delimiter(path: Path) -> str:
    with path.open("rb") as stream:
        header = stream.readline(BLOCK_BYTES).decode("utf-8", errors="replace")
    return max(DELIMITERS, key=header.count)


def _open_csv(
    path: Path, delimiter: str, names: list[str] | None, columns: list[str] | None
) -> csv.CSVStreamingReader:
    return csv.open_csv(path, **_csv_options(delimiter, names, columns))


def _csv_options(
    delimiter: str, names: list[str] | None, columns: list[str] | None
) -> dict[str, object]:
    types = None if names is None else dict.fromkeys(names, pa.string())
    return {
        # one thread: only then does Arrow say which row is at fault
        "read_options": csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
        "parse_options": csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        "convert_options": csv.ConvertOptions(
            column_types=types, include_columns=columns, strings_can_be_null=True
        ),
    }


def _refuse_duplicates(table: TableFile) -> None:
    names = table.schema.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(
            f"{table.path}: has the column {', '.join(twice)} more than once: names must differ"
        )


def _csv_problem(path: Path, schema: pa.Schema, message: str) -> BadInput:
    row = re.search(r"Row #(\d+)", message)
    # Arrow counts from 1 and counts the header
    where = f", row {int(row[1]) - 2}" if row else ""
    column = re.search(r"In CSV column #(\d+)", message)
    if column and int(column[1]) < len(schema):
        where = f": column {schema.names[int(column[1])]}{where}"
    if "invalid UTF8" in message:
        return BadInput(f"{path}{where}: not UTF-8 text", fix=_recode(path))
    width = re.search(r"Expected (\d+) columns, got (\d+)", message)
    if width:
        return BadInput(
            f"{path}{where}: has {width[2]} values, the header has {width[1]}",
            fix="quote values that hold the delimiter, or mend the row",
        )
    if "straddl" in message:
        return BadInput(
            f"{path}: a row is longer than {BLOCK_BYTES >> 20} MB: is a closing quote missing?"
        )
    if "Empty CSV" in message:
        return BadInput(f"{path}: has no rows")
    return BadInput(f"{path}{where}: not a CSV file: {message}")


def _recode(path: Path, encoding: str = "LATIN1") -> str:
    return f"save it as UTF-8, for example: iconv -f {encoding} -t UTF-8 {path.name} > new.csv"


def _casts(value: pa.Scalar, to: pa.DataType) -> bool:
    try:
        value.cast(to)
    except pa.ArrowInvalid:
        return False
    return True


def _expected(to: pa.DataType) -> str:
    if pa.types.is_boolean(to):
        return "true or false"
    return "a number" if pa.types.is_floating(to) or pa.types.is_integer(to) else str(to)
