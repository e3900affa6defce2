"""Files that are on the disk itself once they are written."""

import os
from pathlib import Path

from timonel.files import staged_file
from timonel_serving.detector.spool.segment import sync_folder


def write_durably(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all; a power loss after this returns does not take it back."""
    with staged_file(path) as stage, stage.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(path.parent)
