"""Files and directories that are either there, whole, or not there at all."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from timonel.errors import Unavailable


@contextmanager
def staged_directory(final: Path) -> Iterator[Path]:
    """Yield an empty directory that becomes `final` when the block ends well, else vanishes.

    An existing `final` is replaced. A full disk is reported as `Unavailable`.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
    try:
        with full_disk_explained(final):
            yield stage
        stage.chmod(0o755)
        if final.exists():
            shutil.rmtree(final)
        stage.rename(final)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def staged_file(final: Path) -> Iterator[Path]:
    """Yield a path to write that becomes `final` when the block ends well, else vanishes."""
    final.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{final.stem}-", suffix=final.suffix, dir=final.parent)
    os.close(handle)
    stage = Path(name)
    try:
        with full_disk_explained(final):
            yield stage
        stage.chmod(0o644)
        stage.replace(final)
    finally:
        stage.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    with staged_file(path) as stage:
        stage.write_text(text, encoding="utf-8")


@contextmanager
def full_disk_explained(target: Path) -> Iterator[None]:
    """Turn "no space left" into a message that says where and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Unavailable(
            f"the disk that holds {target} is full: nothing was written there",
            fix="free some space, or point storage.directory at another disk, and run it again",
        ) from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
