"""Fold a ledger on the cores of this machine: files are streamed, memory does not grow with the ledger."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from timonel.fold.counting import empty_monitor
from timonel.fold.crew import Crew, crew
from timonel.fold.exchange import Seen
from timonel.fold.job import FoldJob
from timonel.fold.matching import buckets_for, match, rounds, spread_ids, spread_labels
from timonel.fold.plan import Numbered, Plan, plan, with_left_out
from timonel.fold.share import Share, fold_share, require
from timonel.fold.snapshot import LogFile, Snapshot
from timonel.ledger.place import explained
from timonel.ledger.schema import TableName
from timonel.monitor.parcel import Parcel

Advance = Callable[[float], None]
"""Takes how many more rows are done."""

SHARE = 8_000_000
"""Rows that a worker folds before it hands over what it has counted."""
SPREAD = 1_000_000
"""Ids or labels that are held at once."""


def fold_local(
    job: FoldJob,
    workers: int | None = None,
    scratch: Path | None = None,
    advance: Advance = lambda rows: None,
) -> Parcel:
    """Count what the job selects.

    Args:
        job: the ledger and how it is counted.
        workers: processes; one a core if not given.
        scratch: where ids are exchanged on disk, about 90 bytes a prediction with a label; it is left empty.
        advance: is told how many more rows are done.

    Raises Unavailable or Corrupt for a ledger that cannot be read.
    """
    with explained(job.place, "folding"):
        predictions = Snapshot.of(job.place, TableName.PREDICTIONS)
        if predictions is None:
            return empty_monitor(job).hand_over()
        planned = plan(predictions.files(job.selection), job.config.max_ahead)
        with (
            TemporaryDirectory(prefix="timonel-fold-", dir=scratch) as room,
            crew(workers or _cores()) as hands,
        ):
            parcel = _Fold(job, predictions, planned, Path(room), hands, advance).run(
                workers or _cores()
            )
    return with_left_out(parcel, planned)


@dataclass(frozen=True)
class _Fold:
    """A fold under way."""

    job: FoldJob
    predictions: Snapshot
    plan: Plan
    room: Path
    crew: Crew
    advance: Advance

    def run(self, workers: int) -> Parcel:
        """All steps: labels are brought to their predictions, then rows are folded."""
        matched = self._match()
        merged = empty_monitor(self.job)
        since = self.plan.waiting_from(self.job.config.max_pending) if self.plan.files else None
        given = (
            (Share(self.job, self.predictions, files, tuple(matched), since, self.room),)
            for files in self.plan.shares(SHARE, workers)
        )
        for sealed, rows in self.crew.run(fold_share, given):
            merged.merge(Parcel.from_bytes(sealed))
            self.advance(rows / 2 if matched else rows)
        return merged.hand_over()

    def _match(self) -> list[Path]:
        """Files with the latest labels; none if there are no labels."""
        labels = Snapshot.of(self.job.place, TableName.LABELS)
        if labels is None or not self.plan.files:
            return []
        said = Plan(tuple(labels.files()), 0)
        if not said.rows:
            return []
        buckets, seen = buckets_for(said.rows), self.room / "seen"
        Seen.make(seen, said.rows)
        shares = [[file for _, file in share] for share in said.shares(SPREAD)]
        given = (
            (labels, share, buckets, seen, self.room / f"labels-{i}")
            for i, share in enumerate(shares)
        )
        label_files = sorted(self.crew.run(_spread_labels, given))
        id_files = self._spread_ids(buckets, seen)
        files = len(self.plan.files)
        wanted = (
            (label_files, id_files, some, files, self.room / f"matched-{i}")
            for i, some in enumerate(rounds(buckets))
        )
        matched = sorted(self.crew.run(_match_buckets, wanted))
        for path in (*label_files, *id_files):
            path.unlink()
        return matched

    def _spread_ids(self, buckets: int, seen: Path) -> list[Path]:
        given = (
            (self.predictions, share, buckets, seen, self.room / f"ids-{i}")
            for i, share in enumerate(self.plan.shares(SPREAD))
        )
        paths = []
        for path, rows in self.crew.run(_spread_ids, given):
            paths.append(path)
            self.advance(rows / 2)
        return sorted(paths)


def _spread_labels(
    labels: Snapshot, files: Sequence[LogFile], buckets: int, seen: Path, path: Path
) -> Path:
    require(path.parent)
    with explained(labels.place, "reading labels"):
        spread_labels(labels, files, buckets, seen, path)
    return path


def _spread_ids(
    predictions: Snapshot, files: Sequence[Numbered], buckets: int, seen: Path, path: Path
) -> tuple[Path, int]:
    require(path.parent)
    with explained(predictions.place, "reading predictions"):
        spread_ids(predictions, files, buckets, seen, path)
    return path, sum(file.rows for _, file in files)


def _match_buckets(
    labels: Sequence[Path], ids: Sequence[Path], buckets: range, files: int, path: Path
) -> Path:
    require(path.parent)
    match(labels, ids, buckets, files, path)
    return path


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
