"""A share of the files, folded by one process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from timonel.errors import Unavailable
from timonel.fold.counting import fold
from timonel.fold.job import FoldJob
from timonel.fold.matching import ID, Labelled
from timonel.fold.plan import Numbered
from timonel.fold.snapshot import LogFile, Snapshot
from timonel.ledger.place import explained


@dataclass(frozen=True)
class Share:
    """Files to be folded, with the labels that were found for their rows."""

    job: FoldJob
    predictions: Snapshot
    files: Sequence[Numbered]
    matched: tuple[Path, ...]
    """Files with labels, by bucket of the ids; none if there are no labels."""
    waiting: date | None
    """From this day on predictions may still get a label."""
    room: Path
    """A directory that is there as long as somebody waits for the result."""

    @property
    def total(self) -> int:
        """The rows of the files, selected or not."""
        return sum(file.rows for _, file in self.files)

    def rows(self) -> Iterator[pa.RecordBatch]:
        """The selected rows, each with its label."""
        for number, file in self.files:
            labels = Labelled.of(self.matched, number, file.rows) if self.matched else None
            yield from self._file(file, labels)

    def _file(self, file: LogFile, labels: Labelled | None) -> Iterator[pa.RecordBatch]:
        selection = self.job.selection
        counted = self.job.counted(self.predictions.schema)
        if self.waiting is not None and file.day >= self.waiting:
            counted = [ID, *counted]
        first = 0
        for batch in self.predictions.read(
            file.path, dict.fromkeys([*counted, *selection.columns])
        ):
            require(self.room)
            rows = batch if labels is None else labels.added(batch, first)
            first += batch.num_rows
            if selection.condition is not None:
                rows = rows.filter(selection.condition)
            dropped = [name for name in selection.columns if name not in counted]
            yield rows.drop_columns(dropped) if dropped else rows


def fold_share(share: Share) -> tuple[bytes, int]:
    """What was counted, sealed, and of how many rows."""
    with explained(share.predictions.place, "reading predictions"):
        return fold(share.job, share.rows()).to_bytes(), share.total


def require(room: Path) -> None:
    """Stop if nobody waits for the result: who did removes the directory when he leaves."""
    if not room.exists():
        raise Unavailable("the fold was stopped")
