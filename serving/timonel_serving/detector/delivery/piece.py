"""What was read of the spool up to a position."""

from collections.abc import Sequence
from dataclasses import dataclass

from timonel_serving.detector.batch import ROLES, Read

_COLUMN = 600
"""Bytes of a column beside its values."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Rows that cover whole records."""

    parts: tuple[Read, ...]
    mark: int
    """The position after the last of these records."""

    @property
    def rows(self) -> int:
        """How many rows they are."""
        return sum(part.rows for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes that they take in memory, about."""
        return sum(map(_size, self.parts))

    def after(self, position: int) -> "Piece":
        """The rows that were completed behind a position."""
        cut = (part.after(position) for part in self.parts)
        return Piece(tuple(part for part in cut if part.rows), self.mark)


def joined(pieces: Sequence[Piece]) -> Piece:
    """Pieces that follow each other as one."""
    return Piece(tuple(part for piece in pieces for part in piece.parts), pieces[-1].mark)


def _size(part: Read) -> int:
    columns = part.table.num_columns + part.table.schema.field(ROLES["features"]).type.num_fields
    return int(part.table.nbytes + 16 * part.rows + _COLUMN * columns)
