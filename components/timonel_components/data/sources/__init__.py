"""Where tables come from: files, Delta tables, S3 and SQL databases."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa

from timonel.config import Config
from timonel.errors import BadInput
from timonel.tables import read_table
from timonel_components.data.sources.delta import is_delta, read_delta
from timonel_components.data.sources.s3 import read_s3
from timonel_components.data.sources.sql import is_sql, read_sql


def read_source(config: Config) -> pa.Table:
    """Read the whole table that data.source names; raises `BadInput` where it is not one."""
    source = config.source
    scheme = urlsplit(source).scheme if "://" in source else ""
    if scheme in ("", "file"):
        return _read_local(Path(source.removeprefix("file://")))
    if scheme in ("s3", "s3a"):
        return read_s3(source.replace("s3a://", "s3://", 1), os.environ)
    if is_sql(source):
        return read_sql(source, config.data.query, config.base)
    raise BadInput(
        f"data.source is {source}: {scheme}:// is not something Timonel reads",
        fix="give a CSV or Parquet file, a Delta table, an s3:// address or a SQLAlchemy URL",
    )


def _read_local(path: Path) -> pa.Table:
    if path.is_dir():
        if not is_delta(str(path)):
            raise BadInput(
                f"{path}: is a folder without _delta_log, hence no Delta table",
                fix="give a CSV or Parquet file, or the folder of a Delta table",
            )
        return read_delta(str(path))
    return read_table(path)
