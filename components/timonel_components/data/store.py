"""Writes versions of a table: whole or not at all, and none twice in a row."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, write_deltalake
from filelock import FileLock

from timonel.delta import FULL
from timonel.errors import Unavailable
from timonel_components.data.versions import (
    DIGEST,
    SOURCE,
    DataVersion,
    latest_version,
    table_digest,
)

KEEP_FOR_EVER = {
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
}
"""Old versions stay readable: a model can be trained again from the data it was trained on."""
ONE_FILE = 1 << 40
"""Bytes: rows keep their order within a file, not across files."""


def write_version(table: pa.Table, path: Path, source: str) -> DataVersion:
    """Write `table` as the newest version; the same content as the newest one is not written again."""
    digest = table_digest(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.parent / f".{path.name}.lock"):
        newest = latest_version(str(path))
        if newest is not None and newest.digest == digest:
            return newest
        with _whole_or_nothing(path):
            write_deltalake(
                str(path),
                table.combine_chunks(),  # batches are written side by side: only one keeps its order
                target_file_size=ONE_FILE,
                mode="overwrite",
                schema_mode="overwrite",
                configuration=None if newest else KEEP_FOR_EVER,
                commit_properties=CommitProperties({DIGEST: digest, SOURCE: source}),
            )
        version = 0 if newest is None else newest.version + 1
        return DataVersion(uri=str(path), version=version, rows=table.num_rows, digest=digest)


@contextmanager
def _whole_or_nothing(path: Path) -> Iterator[None]:
    """Remove what a failed write left; the caller holds the lock, so new files are its own."""
    before = set(path.rglob("*")) if path.exists() else None
    try:
        yield
    except BaseException as error:
        _undo(path, before)
        if not any(sign in str(error) for sign in FULL):
            raise
        raise Unavailable(
            f"the disk that holds {path} is full: nothing was written there",
            fix="free some space, or point storage.directory at another disk, and run it again",
        ) from error


def _undo(path: Path, before: set[Path] | None) -> None:
    if before is None:
        shutil.rmtree(path, ignore_errors=True)
        return
    for left in sorted(set(path.rglob("*")) - before, reverse=True):
        left.rmdir() if left.is_dir() else left.unlink(missing_ok=True)
