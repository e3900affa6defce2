"""Rows as the model takes them: one block of numbers, one of categories, one of text.

Training, batch scoring and every request go through this one module, so that a value means the same
in all of them: a missing number is NaN, a missing category or text is the empty string, numbers are
float32.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.contract.model import ColumnContract, DataContract
from timonel.errors import BadInput

MISSING = ""
"""What stands for a missing category or text."""


@dataclass(frozen=True)
class FeatureBatch:
    """`n` rows: `numeric` is float32 (n, k), `categorical` and `text` are str objects (n, c), (n, t).

    The columns stand in the order of `DataContract.numeric`, `.categorical` and `.text`.
    """

    numeric: NDArray[np.float32]
    categorical: NDArray[np.object_]
    text: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.numeric)

    def __getitem__(self, rows: slice | NDArray[np.int_] | NDArray[np.bool_]) -> "FeatureBatch":
        return FeatureBatch(self.numeric[rows], self.categorical[rows], self.text[rows])

    def by_column(self, contract: DataContract) -> dict[str, NDArray[Any]]:
        """The columns by name, in the order in which the model takes them (for a data frame)."""
        blocks = (self.numeric, self.categorical, self.text)
        columns = [block[:, j] for block in blocks for j in range(block.shape[1])]
        return dict(zip(contract.model_order, columns, strict=True))


class FeatureReader:
    """Reads tables, rows and tensors of one contract into feature batches."""

    def __init__(self, contract: DataContract) -> None:
        self.contract = contract
        self.names = tuple(c.name for c in contract.features)
        self.known = frozenset(self.names)
        place = {name: i for i, name in enumerate(self.names)}
        self._numeric_at = [place[c.name] for c in contract.numeric]
        self._words = (*contract.categorical, *contract.text)
        self._words_at = [place[c.name] for c in self._words]
        self._split = len(contract.categorical)

    def from_table(self, table: pa.Table) -> FeatureBatch:
        """Read the feature columns of an Arrow table; other columns are left aside."""
        absent = [n for n in self.names if n not in table.column_names]
        if absent:
            raise BadInput(f"the table lacks the column {', '.join(absent)}")
        numeric = [_arrow_numbers(table[c.name], c.name) for c in self.contract.numeric]
        words = [_arrow_words(table[c.name]) for c in self._words]
        n = table.num_rows
        return self._batch(_stack(n, numeric, np.float32), _stack(n, words, object))

    def from_rows(self, rows: Sequence[Sequence[Any]]) -> FeatureBatch:
        """Read rows that are lists of values in the order of the contract's features."""
        width = len(self.names)
        for i, row in enumerate(rows):
            if not isinstance(row, list | tuple) or len(row) != width:
                raise BadInput(
                    f"row {i} {_width(row)}: expected {width} values, in the order"
                    f" {', '.join(self.names[:6])}{', ...' if width > 6 else ''}"
                )
        columns = [list(c) for c in zip(*rows, strict=True)] if rows else [[]] * width
        return self._from_columns(len(rows), columns)

    def from_dicts(self, rows: Sequence[Mapping[str, Any]]) -> FeatureBatch:
        """Read rows that are objects by column name; a column left out counts as missing."""
        known = self.known
        for i, row in enumerate(rows):
            if not isinstance(row, dict):
                raise BadInput(f"row {i} is {_name(row)}: expected an object by column name")
            if not row.keys() <= known:
                unknown = ", ".join(sorted(map(str, row.keys() - known)))
                raise BadInput(
                    f"row {i} has the unknown column {unknown}", fix=self._columns_hint()
                )
        return self._from_columns(len(rows), [[row.get(n) for row in rows] for n in self.names])

    def from_columns(self, columns: Mapping[str, Sequence[Any]]) -> FeatureBatch:
        """Read named columns of equal length; a column left out counts as missing."""
        if not columns.keys() <= self.known:
            unknown = ", ".join(sorted(columns.keys() - self.known))
            raise BadInput(f"unknown column {unknown}", fix=self._columns_hint())
        lengths = set(map(len, columns.values()))
        if len(lengths) > 1:
            raise BadInput(f"the columns have different lengths: {sorted(lengths)}")
        n = lengths.pop() if lengths else 0
        empty: Sequence[Any] = [None] * n
        return self._from_columns(n, [columns.get(name, empty) for name in self.names])

    def _from_columns(self, n: int, columns: Sequence[Sequence[Any]]) -> FeatureBatch:
        numbers = _number_block(n, [columns[i] for i in self._numeric_at])
        if numbers is None:  # one by one, to name the column that is wrong
            numeric = [_numbers(columns[i], self.names[i]) for i in self._numeric_at]
            numbers = _stack(n, numeric, np.float32)
        words = [_words(columns[i], c) for i, c in zip(self._words_at, self._words, strict=True)]
        return self._batch(numbers, _stack(n, words, object))

    def _batch(self, numbers: NDArray[np.float32], words: NDArray[np.object_]) -> FeatureBatch:
        return FeatureBatch(numbers, words[:, : self._split], words[:, self._split :])

    def _columns_hint(self) -> str:
        shown = ", ".join(self.names[:12]) + (", ..." if len(self.names) > 12 else "")
        return f"the model's columns are {shown}"


def _stack(n: int, columns: Sequence[Any], dtype: Any) -> NDArray[Any]:
    block = np.empty((n, len(columns)), dtype=dtype)
    for j, values in enumerate(columns):
        block[:, j] = values
    return block


def _number_block(n: int, columns: Sequence[Sequence[Any]]) -> NDArray[np.float32] | None:
    """All columns at once, several times faster than one by one; None unless all hold plain numbers."""
    try:
        doubles = _doubles(columns)
    except (TypeError, OverflowError, ValueError):
        return None
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(doubles.reshape(len(columns), n).T, dtype=np.float32)


def _doubles(columns: Sequence[Sequence[Any]]) -> NDArray[np.float64]:
    numbers = array("d")
    try:
        for values in columns:
            numbers.fromlist(values)  # type: ignore[arg-type]  # anything but a list is a TypeError
        return np.frombuffer(numbers, dtype=np.float64)
    except TypeError:
        if all(isinstance(values, np.ndarray) for values in columns):
            return np.concatenate(columns, dtype=np.float64, casting="same_kind")
        if any(isinstance(values, np.ndarray) for values in columns):
            raise
        kinds = set().union(*(map(type, values) for values in columns))
        if not kinds <= {int, float, bool, type(None)}:
            raise
        return np.array(columns, dtype=np.float64)


def _numbers(values: Sequence[Any], name: str) -> NDArray[np.float32]:
    """One column, with a message that names what is no number."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub":
        for i, value in enumerate(values):
            if value is not None and not isinstance(value, int | float | np.number | np.bool_):
                raise BadInput(f"column {name}, row {i} is {_short(value)}: expected a number")
    try:
        with np.errstate(over="ignore"):
            return np.asarray(values, dtype=np.float64).astype(np.float32)
    except OverflowError:
        raise BadInput(f"column {name} holds a whole number beyond the range of numbers") from None


def _words(values: Sequence[Any], column: ColumnContract) -> Sequence[str]:
    if _are_all_text(values):
        return values
    return [_word(value, i, column) for i, value in enumerate(values)]


def _are_all_text(values: Sequence[Any]) -> bool:
    try:
        "".join(values)  # the quickest way to look at the type of each
    except TypeError:
        return False
    return True


def _word(value: Any, row: int, column: ColumnContract) -> str:
    if value is None:
        return MISSING
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    # a category that is a code may come as a number; text may not
    if isinstance(value, int | np.integer) and column.kind == "categorical":
        value = str(value)
    if isinstance(value, float) and np.isnan(value):
        return MISSING
    if not isinstance(value, str):
        raise BadInput(f"column {column.name}, row {row} is {_short(value)}: expected text")
    return value


def _arrow_numbers(column: pa.ChunkedArray, name: str) -> NDArray[np.float32]:
    try:
        doubles = column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadInput(f"column {name} holds {column.type}, expected numbers: {error}") from None
    with np.errstate(over="ignore"):
        return np.asarray(doubles.to_numpy(), dtype=np.float32)


def _arrow_words(column: pa.ChunkedArray) -> Sequence[str]:
    words: Sequence[str] = column.cast(pa.string()).fill_null(MISSING).to_numpy()
    return words


def _width(row: object) -> str:
    return f"has {len(row)} values" if isinstance(row, list | tuple) else f"is {_name(row)}"


def _name(value: object) -> str:
    return {dict: "an object", list: "a list", str: "text", type(None): "null"}.get(
        type(value), f"the number {value}"
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
