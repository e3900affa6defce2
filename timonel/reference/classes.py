"""The classes of a model's outcome, under the names by which all parts know them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.frames import hashable, is_missing, label, to_arrow

NO_CLASS = -1
"""The code of a missing value."""


def class_name(value: Any) -> str:
    """A class's name: 1, 1.0 and True are "1"; other values go by their text."""
    return label(int(value)) if isinstance(value, bool | np.bool_) else label(value)


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes in the order of the model's outputs; of a binary task the positive one last."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[Any]) -> "Classes":
        """The classes of these values, in their order."""
        return cls(tuple(dict.fromkeys(class_name(v) for v in values if not is_missing(v))))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def unseen(self) -> int:
        """The code of a value that is none of the classes."""
        return len(self.names)

    def codes(self, column: Any) -> NDArray[np.int32]:
        """Each row's class by position; NO_CLASS where missing, `unseen` where it is another value."""
        array = to_arrow(column)
        if not pa.types.is_dictionary(array.type):
            array = hashable(array).dictionary_encode()
        place = {name: i for i, name in enumerate(self.names)}
        of_value = [
            NO_CLASS if is_missing(v) else place.get(class_name(v), self.unseen)
            for v in array.dictionary.to_pylist()
        ]
        at = array.indices.fill_null(len(of_value)).to_numpy(zero_copy_only=False)
        codes: NDArray[np.int32] = np.array([*of_value, NO_CLASS], dtype=np.int32)[at]
        return codes


def distinct_values(column: Any) -> list[Any]:
    """The different values of a column that are not missing."""
    values = hashable(to_arrow(column)).unique().to_pylist()
    return [v for v in values if not is_missing(v)]
