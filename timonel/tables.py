"""Reads CSV and Parquet files as Arrow, and says of a bad one which row and column is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from timonel.errors import BadInput

CSV_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
PARQUET_SUFFIXES = (".parquet", ".pq")
MOSTLY = 0.9
"""A text column of which this share is numbers is a number column with mistakes."""

_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$|^\s*[-+]?(inf|nan|infinity)\s*$"


@dataclass(frozen=True)
class TableFile:
    """A readable table file: its columns, and its rows where the format knows them beforehand."""

    path: Path
    schema: pa.Schema
    rows: int | None

    def batches(self, size: int = 65_536) -> Iterator[pa.RecordBatch]:
        """Read the file piece by piece, in constant memory. CSV types are those of the first piece."""
        with explained(self.path):
            if _is_csv(self.path):
                for batch in _csv_stream(self.path):
                    _reject_binary(self.path, batch.schema)
                    yield batch
            else:
                yield from parquet.ParquetFile(self.path).iter_batches(batch_size=size)


def open_table(path: Path) -> TableFile:
    """Open a CSV or Parquet file without reading its rows; `BadInput` names what is wrong."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise BadInput(f"{path}: {what}, expected a CSV or Parquet file")
    with explained(path):
        if _is_csv(path):
            schema, rows = _csv_stream(path).schema, None
        elif path.name.lower().endswith(PARQUET_SUFFIXES):
            footer = parquet.ParquetFile(path)
            schema, rows = footer.schema_arrow, footer.metadata.num_rows
        else:
            known = ", ".join(CSV_SUFFIXES + PARQUET_SUFFIXES)
            raise BadInput(
                f"{path}: cannot tell what kind of table this is", fix=f"name it {known}"
            )
    reject_repeated(path, schema)
    return TableFile(path, schema, rows)


def read_table(path: Path) -> pa.Table:
    """Read a whole file; a column of numbers with a few words in it is an error that names the row."""
    source = open_table(path)
    with explained(path):
        table = _read_csv(path) if _is_csv(path) else parquet.read_table(path)
    if _is_csv(path):
        _reject_binary(path, table.schema)
    if not table.num_rows:
        raise BadInput(f"{path}: the table has no rows (columns: {', '.join(source.schema.names)})")
    if _is_csv(path):
        for name in table.column_names:
            _reject_mixed(path, table[name], name)
    return table


def reject_repeated(path: Path | str, schema: pa.Schema) -> None:
    """Raise where two columns share a name."""
    twice = sorted({n for n in schema.names if schema.names.count(n) > 1})
    if twice:
        raise BadInput(
            f"{path}: the column {', '.join(twice)} is there more than once: names must differ"
        )


def _is_csv(path: Path) -> bool:
    return path.name.lower().endswith(CSV_SUFFIXES)


def _csv_options(path: Path) -> dict[str, object]:
    tab = ".tsv" in path.name.lower()
    return {
        "parse_options": csv.ParseOptions(delimiter="\t" if tab else ",", newlines_in_values=True),
        "convert_options": csv.ConvertOptions(strings_can_be_null=True),
    }


def _csv_stream(path: Path) -> csv.CSVStreamingReader:
    return csv.open_csv(path, **_csv_options(path))


def _read_csv(path: Path) -> pa.Table:
    return csv.read_csv(path, **_csv_options(path))


class explained:  # noqa: N801 - reads as a phrase: with explained(path)
    """Turn Arrow's errors about a file into a `BadInput` that names the file and, if possible, the row."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        """Start watching for errors."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Translate an error of Arrow's."""
        if isinstance(error, pa.ArrowInvalid | UnicodeDecodeError):
            raise BadInput(f"{self.path}: {_reason(self.path, str(error))}") from None


def _reason(path: Path, text: str) -> str:
    if "UTF8" in text or "UTF-8" in text or "utf-8" in text:
        return _not_utf8(path)
    if "Empty CSV" in text:
        return "the file is empty: expected a line of column names and rows below it"
    if not _is_csv(path):
        return f"not a readable Parquet file: {text}"
    return text.removeprefix("CSV parse error: ")


def _reject_binary(path: Path, schema: pa.Schema) -> None:
    # a column with bytes that are not UTF-8 is read as binary, not refused
    if any(pa.types.is_binary(field.type) for field in schema):
        raise BadInput(f"{path}: {_not_utf8(path)}")


def _not_utf8(path: Path) -> str:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                return (
                    f"line {number} is not UTF-8 (byte 0x{byte:02x} at column {error.start + 1}):"
                    " save the file as UTF-8"
                )
    return "the file is not UTF-8: save it as UTF-8"


def _reject_mixed(path: Path, column: pa.ChunkedArray, name: str) -> None:
    if not pa.types.is_string(column.type):
        return
    numbers = pc.match_substring_regex(column, _NUMBER, ignore_case=True)
    filled = len(column) - column.null_count
    share = (pc.sum(numbers).as_py() or 0) / filled if filled else 0.0
    if MOSTLY <= share < 1:
        odd = int(np.argmin(numbers.fill_null(True).to_numpy(zero_copy_only=False)))
        raise BadInput(
            f"{path}: column {name}, row {odd + 1} is {column[odd].as_py()!r}, while {share:.1%} of the"
            " column are numbers",
            fix="mend that value or leave it empty",
        )
