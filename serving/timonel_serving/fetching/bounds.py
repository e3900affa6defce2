"""How much is taken from elsewhere: a listing that is checked before the first byte is copied."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from timonel.errors import BadInput

CHUNK = 8 * 2**20


@dataclass(frozen=True)
class Limits:
    """The most that one address may hold."""

    files: int = 1000
    size: int = 4 * 2**30
    """Bytes."""


@dataclass(frozen=True)
class Entry:
    """A file as a listing has it."""

    name: str
    """Its path under the address, with /."""
    size: int


def check_listing(uri: str, entries: list[Entry], limits: Limits) -> None:
    """Raise BadInput for a listing that is empty, too large, or would lead out of the folder."""
    size = sum(entry.size for entry in entries)
    for entry in entries:
        path = PurePosixPath(entry.name)
        if ".." in path.parts or path.is_absolute() or "\\" in entry.name:
            raise BadInput(f"{uri}: it holds {entry.name!r}, which leads out of the folder")
    if not entries:
        raise BadInput(f"{uri}: nothing is there", fix="check the address")
    if len(entries) > limits.files or size > limits.size:
        raise BadInput(
            f"{uri}: {len(entries)} files of {size} bytes, expected at most {limits.files} files"
            f" and {limits.size} bytes"
        )
