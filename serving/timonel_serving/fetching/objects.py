"""A folder on an object store, S3 or Google's, copied to this machine."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from pyarrow import fs

from timonel.delta import CONNECT_SECONDS, first_line, s3_filesystem
from timonel.errors import BadInput, Corrupt, Denied, TimonelError, Unavailable
from timonel_serving.fetching.bounds import CHUNK, Entry, Limits, check_listing

S3, GS = ("s3", "s3a"), ("gs", "gcs")
_REFUSED = ("ACCESS_DENIED", "INVALID_ACCESS_KEY", "SIGNATURE_DOES_NOT_MATCH", "HTTP status 403")


def on_object_store(uri: str) -> bool:
    """Whether an address names a folder on an object store."""
    return urlsplit(uri).scheme in (*S3, *GS)


def download(
    uri: str, into: Path, environment: Mapping[str, str], limits: Limits | None = None
) -> None:
    """Copy all files under an address; endpoint and keys come from the usual variables.

    Raises BadInput where nothing or too much is there, Denied without the rights, Unavailable while
    the store does not answer.
    """
    root = uri.split("://", 1)[1].rstrip("/")
    try:
        store = _store(uri, environment)
        selector = fs.FileSelector(root, recursive=True, allow_not_found=True)
        files = [one for one in store.get_file_info(selector) if one.type is fs.FileType.File]
        entries = [_entry(one, root) for one in files]
        check_listing(uri, entries, limits or Limits())
        for entry in entries:
            _copy(store, uri, f"{root}/{entry.name}", into / entry.name, entry.size)
    except OSError as error:
        if error.filename is not None:  # of this machine's disk, not of the store
            raise
        raise _explained(uri, error) from None


def _store(uri: str, environment: Mapping[str, str]) -> fs.FileSystem:
    if urlsplit(uri).scheme in S3:
        return s3_filesystem(environment)
    return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=4 * CONNECT_SECONDS))


def _entry(found: fs.FileInfo, root: str) -> Entry:
    return Entry(PurePosixPath(found.path).relative_to(root).as_posix(), found.size)


def _copy(store: fs.FileSystem, uri: str, path: str, target: Path, size: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    got = 0
    with store.open_input_stream(path) as source, target.open("wb") as copy:
        while got <= size and (chunk := source.read(CHUNK)):
            got += copy.write(chunk)
    if got != size:
        raise Corrupt(f"{uri}: {target.name} has {got} bytes or more, the listing says {size}")


def _explained(uri: str, error: OSError) -> TimonelError:
    text = str(error)
    if any(sign in text for sign in _REFUSED):
        return Denied(
            f"{uri} cannot be read: access denied",
            fix="check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the pod's role, and what they may do",
        )
    if isinstance(error, FileNotFoundError) or "NO_SUCH_BUCKET" in text:
        return BadInput(f"{uri}: nothing is there", fix="check the bucket and the prefix")
    return Unavailable(
        f"{uri} cannot be read: {first_line(error)}",
        fix="check AWS_ENDPOINT_URL and the network, then try again",
    )
