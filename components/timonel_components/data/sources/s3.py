"""Tables on S3 and what speaks its protocol: Parquet, CSV and Delta tables.

Credentials and the endpoint come from the usual variables: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL; without a key, from the machine's role.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from pyarrow import fs

from timonel.delta import ATTEMPTS, s3_filesystem, s3_options
from timonel.errors import BadInput, Unavailable
from timonel.tables import read_table
from timonel_components.data.sources.delta import is_delta, read_delta

CHUNK = 8 << 20


def read_s3(uri: str, environment: Mapping[str, str]) -> pa.Table:
    """Read an object, or the Delta table under a prefix."""
    place = uri.removeprefix("s3://").rstrip("/")
    try:
        store = s3_filesystem(environment)
        kind = store.get_file_info(place).type
        if kind is fs.FileType.File:
            return _read_object(store, place, uri)
        if kind is fs.FileType.Directory:
            return _read_prefix(uri, environment)
    except OSError as error:
        raise _explained(uri, error, environment) from None
    raise BadInput(f"{uri}: no such object", fix="check the bucket and the key in data.source")


def _read_object(store: fs.S3FileSystem, place: str, uri: str) -> pa.Table:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / Path(place).name
        with store.open_input_stream(place) as source, copy.open("wb") as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
        try:
            return read_table(copy)
        except BadInput as error:
            raise BadInput(
                error.message.replace(str(copy), uri), why=error.why, fix=error.fix
            ) from None


def _read_prefix(uri: str, environment: Mapping[str, str]) -> pa.Table:
    options = s3_options(environment)
    if not is_delta(uri, options):
        raise BadInput(
            f"{uri}: holds no _delta_log, hence is no Delta table",
            fix="give the address of a CSV or Parquet object, or of a Delta table",
        )
    return read_delta(uri, options)


def _explained(uri: str, error: OSError, environment: Mapping[str, str]) -> Exception:
    text = str(error)
    if "ACCESS_DENIED" in text or "SIGNATURE" in text.upper() or "INVALID_ACCESS_KEY" in text:
        return BadInput(
            f"{uri}: access denied: {text}",
            fix="check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may read",
        )
    where = environment.get("AWS_ENDPOINT_URL", "AWS")
    return Unavailable(
        f"{uri}: {where} cannot be read after {ATTEMPTS} attempts: {text}",
        fix="check AWS_ENDPOINT_URL and the network, then run it again",
    )
