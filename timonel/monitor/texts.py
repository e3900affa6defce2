"""The texts that a model reads, as columns of its packs and as features to watch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa

from timonel.frames import as_text, to_arrow
from timonel.monitor.outcomes import Array
from timonel.reference import Reference
from timonel.reference.reading import text_column
from timonel.reference.texts import read_texts, text_features


@dataclass(frozen=True, eq=False)
class TextReader:
    """Reads the text column against the words of the reference."""

    column: str
    vocabulary: pa.Array

    @classmethod
    def of(cls, reference: Reference | None) -> Self | None:
        """The reader of a text task's reference; None for any other."""
        column = None if reference is None else text_column(reference.contract)
        if reference is None or column is None or not reference.vocabulary:
            return None
        return cls(column, pa.array(reference.vocabulary, pa.string()))

    def read(
        self, columns: Mapping[str, Any], rows: int
    ) -> tuple[dict[str, Array], dict[str, pa.Array]]:
        """The columns that a TextPack counts, and the features; without the column, texts are missing."""
        array = to_arrow(columns[self.column]) if self.column in columns else pa.nulls(rows)
        if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
            array = as_text(array)
        found = read_texts(array, self.vocabulary)
        counted: dict[str, Array] = {
            "tokens": found.tokens,
            "oov": found.oov,
            "script": found.script,
        }
        features = text_features(found)
        return counted, {name: _arrow(column) for name, column in features.items()}


def _arrow(column: Any) -> pa.Array:
    if isinstance(column, np.ndarray):
        return pa.array(column)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
