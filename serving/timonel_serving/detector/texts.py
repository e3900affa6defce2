"""Columns of any type as text."""

import pyarrow as pa

from timonel.frames import hashable, is_missing
from timonel.reference.classes import class_name


def texts(column: pa.Array) -> pa.Array:
    """Values by the text that all parts know them by: 1, 1.0 and True are "1"; missing stays null."""
    if pa.types.is_string(column.type):
        return column
    coded = hashable(column)
    if not pa.types.is_dictionary(coded.type):
        coded = coded.dictionary_encode()
    names = [None if is_missing(v) else class_name(v) for v in coded.dictionary.to_pylist()]
    return pa.array(names, pa.string()).take(coded.indices)
