"""Files that are on the disk itself once they are written."""

import os
from pathlib import Path

from timonel.files import staged_file
from timonel_serving.detector.spool.segment import sync_folder


def write_durably(path: Path, *pieces: bytes) -> None:
    """Write a file of these pieces, whole or not at all; a power loss afterwards does not take it back."""
    with staged_file(path) as stage, stage.open("wb") as stream:
        stream.writelines(pieces)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(path.parent)
