"""Reads the table that timonel.yaml names and keeps it as a version of a Delta table."""

import pyarrow as pa

from timonel.config import Config
from timonel.workspace import Workspace
from timonel_components.data.cleaning import clean
from timonel_components.data.naming import source_name
from timonel_components.data.sources import read_source
from timonel_components.data.store import write_version
from timonel_components.data.versions import DataVersion


def ingest(config: Config) -> DataVersion:
    """Read the source, check and normalise its columns, and write it as the newest version.

    The same content as the newest version is not written again: its version is returned. Raises
    `BadInput` naming source, column and row for a table that cannot be used, `Unavailable` where the
    source cannot be reached or the disk is full; then nothing is written.
    """
    table: pa.Table = clean(read_source(config), config)
    return write_version(table, Workspace.of(config).data, source_name(config))
