"""Small real slices of the examples, and settings that point at them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from pyarrow import parquet

from timonel.config import Config, parse_config

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Settings = Callable[..., Config]


def slice_of(example: str, rows: int) -> pa.Table:
    """About so many rows of an example, evenly chosen."""
    table = parquet.ParquetFile(EXAMPLES / example / "data.parquet").read()
    return table.take(list(range(0, table.num_rows, max(1, table.num_rows // rows))))


def settings_of(example: str, folder: Path, **changes: dict[str, Any]) -> Config:
    """An example's settings at home in `folder`; `changes` replace keys of sections."""
    raw = yaml.safe_load((EXAMPLES / example / "timonel.yaml").read_text())
    raw["storage"] = {"directory": str(folder / "home")}
    for section, keys in changes.items():
        raw[section] = raw.get(section, {}) | keys
    return parse_config(yaml.safe_dump(raw), base=folder)
