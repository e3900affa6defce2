"""Where a ledger lies, a directory or an S3 prefix, and what its failures mean."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from deltalake.exceptions import CommitFailedError, DeltaError

from timonel.delta import FULL, first_line, s3_options
from timonel.errors import BadInput, Busy, Corrupt, Denied, TimonelError, Unavailable
from timonel.ledger.schema import TableName

S3 = ("s3://", "s3a://")
PATIENCE = {
    "max_retries": "3",
    "retry_timeout": "20s",
    "connect_timeout": "5s",
    "timeout": "60s",
}
"""An object store that does not answer is reported within half a minute."""
STREAM = "registered as"
"""How DuckDB says that not the SQL failed but what it reads."""
DAMAGED = ("Parquet", "parquet", "No such file", "404 Not Found", "NoSuchKey")
REFUSED = ("403 Forbidden", "AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId")


@dataclass(frozen=True)
class Place:
    """The root of a ledger."""

    uri: str
    """An absolute path, or s3://bucket/prefix."""
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    """How to reach it: credentials, region, endpoint."""

    @classmethod
    def of(cls, uri: str | Path, environment: Mapping[str, str]) -> "Place":
        """The place at an address; S3's endpoint and credentials from the usual AWS_ variables."""
        text = str(uri).rstrip("/")
        if text.startswith(S3):
            bucket = "s3://" + text.split("://", 1)[1]
            return cls(bucket, {**PATIENCE, **s3_options(environment)})
        if "://" in text.removeprefix("file://"):
            raise BadInput(
                f"the ledger {text}: {text.partition('://')[0]}:// is not a place for one",
                fix="give a directory or an s3:// address",
            )
        return cls(str(Path(text.removeprefix("file://")).expanduser().absolute()))

    @property
    def remote(self) -> bool:
        """Whether it lies on an object store."""
        return self.uri.startswith("s3://")

    def table(self, name: TableName) -> str:
        """The address of a table."""
        return f"{self.uri}/{name.value}"


@contextmanager
def explained(place: Place, doing: str) -> Iterator[None]:
    """Turn what the storage libraries raise into an error that says what to do."""
    try:
        yield
    except TimonelError:
        raise
    except (DeltaError, OSError, pa.ArrowException, *_duckdb_errors()) as error:
        raise _explanation(place, doing, error) from error


def _duckdb_errors() -> tuple[type[Exception], ...]:
    """DuckDB's, where it is loaded: what only writes a ledger runs without it."""
    loaded = sys.modules.get("duckdb")
    return (loaded.Error,) if loaded else ()


def _explanation(place: Place, doing: str, error: Exception) -> TimonelError:
    text = str(error)
    said = f"the ledger {place.uri}: {doing} failed"
    if any(sign in text for sign in FULL):
        return Unavailable(
            f"the disk that holds the ledger {place.uri} is full: {doing} failed, nothing was added",
            fix="free some space, or move the ledger, and run it again",
        )
    if any(sign in text for sign in REFUSED):
        return Denied(
            f"{said}: access denied",
            fix="check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may do",
        )
    if isinstance(error, CommitFailedError):
        return Busy(
            f"{said}: others keep writing to it: {first_line(error)}", fix="run it again later"
        )
    if isinstance(error, PermissionError) or "Permission denied" in text:
        return Denied(f"{said}: permission denied", fix="check who owns the directory")
    if _is_damage(place, error):
        return Corrupt(
            f"{said}: {first_line(error)}",
            why="a file of the table is missing, or is not what was written",
            fix="run it again if rows were being erased meanwhile, else restore the ledger from a copy",
        )
    if place.remote:
        return Unavailable(
            f"{said}: {_cause(text)}",
            fix="check AWS_ENDPOINT_URL and the network, then run it again",
        )
    return Unavailable(f"{said}: {first_line(error)}", fix="check the disk, then run it again")


def _is_damage(place: Place, error: Exception) -> bool:
    text = str(error)
    if isinstance(error, _duckdb_errors()):
        return STREAM in text and any(sign in text for sign in DAMAGED)
    if place.remote:
        return isinstance(error, FileNotFoundError) or "NoSuchKey" in text
    return isinstance(error, DeltaError | FileNotFoundError | pa.ArrowInvalid)


def _cause(text: str) -> str:
    """The innermost of nested causes, which come a line each."""
    lines = [line.split("\x1b[0m")[-1].strip(" ↳") for line in text.splitlines()]
    return next((line for line in reversed(lines) if line), "no reason given")
