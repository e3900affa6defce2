"""The reference of a two-sample test, sorted once: windows are compared with it as they come.

reference = SortedReference.fit(training_table, categorical=["zip_code"])
reference.save(path)                 # a NumPy archive, no pickle
two_sample(reference, window)
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np

from timonel.drift.columns import Categories, Column, Numbers, Untested, read_column
from timonel.drift.numeric_table import NumericTable, numeric_table
from timonel.errors import BadInput, Corrupt
from timonel.files import staged_file
from timonel.frames import named_columns

IDENTIFIER = 0.5
"""A categorical column with more different values than this share of its rows names its rows."""
FORMAT = 1


@dataclass(frozen=True, slots=True)
class SortedReference:
    """A reference sample, prepared for `two_sample`."""

    rows: int
    names: tuple[str, ...]
    numeric: NumericTable
    categorical: Mapping[str, Categories]
    untested: Mapping[str, str]

    @classmethod
    def fit(cls, data: Any, categorical: Iterable[str] = ()) -> Self:
        """Prepare a table; the columns in `categorical` are categories even where they are numbers."""
        columns, rows = named_columns(data)
        codes = set(categorical)
        if unknown := sorted(codes - set(columns)):
            raise BadInput(
                f"categorical names {', '.join(unknown)}, expected columns of the reference"
                f" ({', '.join(list(columns)[:8])})"
            )
        return cls._of(rows, {name: read_column(c, name in codes) for name, c in columns.items()})

    @classmethod
    def _of(cls, rows: int, columns: Mapping[str, Column]) -> Self:
        numeric = {name: c for name, c in columns.items() if isinstance(c, Numbers)}
        untested = {name: c.reason for name, c in columns.items() if isinstance(c, Untested)}
        categorical = {name: c for name, c in columns.items() if isinstance(c, Categories)}
        for name, column in categorical.items():
            if len(column.labels) > max(50, IDENTIFIER * column.counts.sum()):
                untested[name] = (
                    f"{len(column.labels):,} values in {rows:,} rows: it names its rows"
                )
        tested = {name: c for name, c in categorical.items() if name not in untested}
        return cls(rows, tuple(columns), numeric_table(numeric), tested, untested)

    def save(self, path: Path) -> None:
        """Write the reference as a NumPy archive (`.npz`), readable without pickle."""
        arrays: dict[str, Any] = {}
        kinds: dict[str, dict[str, Any]] = {}
        for i, name in enumerate(self.numeric.names):
            arrays[f"n{i}"] = self.numeric.columns[i].values
            kinds[name] = {"array": f"n{i}", "missing": self.numeric.columns[i].missing}
        for i, (name, column) in enumerate(self.categorical.items()):
            arrays[f"c{i}"] = column.counts
            kinds[name] = {"array": f"c{i}", "missing": column.missing, "labels": column.labels}
        kinds |= {name: {"untested": reason} for name, reason in self.untested.items()}
        order = [{"name": name, **kinds[name]} for name in self.names]
        head = {"format": FORMAT, "rows": self.rows, "columns": order}
        with staged_file(path) as staged, staged.open("wb") as stream:
            np.savez(stream, head=np.array(json.dumps(head)), **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; anything else is `Corrupt`."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                head = json.loads(str(archive["head"]))
                columns = {c["name"]: _read_saved(c, archive) for c in head["columns"]}
                return cls._of(int(head["rows"]), columns)
        except FileNotFoundError:
            raise BadInput(f"{path}: no such drift reference") from None
        except (ValueError, KeyError, TypeError, BadZipFile, OSError) as error:
            raise Corrupt(
                f"{path}: not a drift reference: {error}", fix="fit the reference again and save it"
            ) from None


def _read_saved(column: Mapping[str, Any], archive: Any) -> Column:
    if "untested" in column:
        return Untested(column["untested"])
    values, missing = archive[column["array"]], int(column["missing"])
    if "labels" in column:
        return Categories(tuple(column["labels"]), values.astype(np.int64), missing)
    return Numbers(values.astype(np.float64), missing)
