"""A destination in memory whose behaviour a test chooses."""

import threading
from dataclasses import dataclass, field

import pyarrow as pa

from timonel_serving.detector.batch import ROLES, Read
from timonel_serving.detector.delivery.destination import Attempt
from timonel_serving.detector.delivery.piece import Piece


@dataclass
class Shelf:
    """Keeps what arrives, with its mark; as long as `failure` is set it raises that."""

    known: int = 0
    failure: Exception | None = None
    name: str = "shelf"
    address: str = "memory"
    kept: list[tuple[int, list[str]]] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    greetings: int = 0
    left: bool = False

    def __post_init__(self) -> None:
        self.open.set()

    def mark(self) -> int:
        """The highest that is here."""
        return max([self.known, *(mark for mark, _ in self.kept)])

    def pack(self, piece: Piece) -> Attempt:
        """The ids of the rows."""
        ids = [str(i) for p in piece.parts for i in p.table[ROLES["prediction_id"]].to_pylist()]

        def attempt() -> bool:
            self.open.wait()
            if self.failure is not None:
                raise self.failure
            fresh = piece.mark > self.mark()
            if fresh:
                self.kept.append((piece.mark, ids))
            return fresh

        return attempt

    def greet(self) -> None:
        """Count it."""
        self.greetings += 1

    def leave(self) -> None:
        """Note it."""
        self.left = True

    @property
    def ids(self) -> list[str]:
        """All that arrived, in order."""
        return [one for _, ids in self.kept for one in ids]


def piece(mark: int, *ids: str) -> Piece:
    """Rows of one record."""
    table = pa.table(
        {
            ROLES["prediction_id"]: pa.array(ids, pa.string()),
            ROLES["features"]: pa.StructArray.from_arrays([pa.array([1.0] * len(ids))], ["x"]),
        }
    )
    ends = pa.array([mark] * len(ids), pa.int64()).to_numpy()
    return Piece((Read(table, ends, ends),), mark)
