"""A divided table, in memory and as a directory."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet
from pydantic import BaseModel, ConfigDict

from timonel.errors import BadInput
from timonel.files import staged_directory

SUMMARY = "split.json"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Frozen):
    """One part of the rows."""

    rows: int
    start: str | None = None
    """The first instant, ISO 8601; None without a time column."""
    end: str | None = None
    classes: dict[str, int]
    """Rows of each class; empty for a ranking."""


class SplitSummary(_Frozen):
    """How a table was divided."""

    method: str
    train: Part
    validation: Part
    test: Part
    embargoed: int = 0
    """Rows left out because their labels would not have been known in time."""
    beyond_max_rows: int = 0
    """Older training rows left out by train.max_rows."""
    before_since: int = 0
    """Older rows left out by train.since."""


@dataclass(frozen=True)
class Splits:
    """The three parts of a table; the rows of each stand in the order of time, if there is one."""

    train: pa.Table
    validation: pa.Table
    test: pa.Table
    summary: SplitSummary

    def save(self, directory: Path) -> None:
        """Write the parts as Parquet and the summary as JSON, whole or not at all."""
        with staged_directory(directory) as stage:
            for name in ("train", "validation", "test"):
                parquet.write_table(getattr(self, name), stage / f"{name}.parquet")
            (stage / SUMMARY).write_text(self.summary.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, directory: Path) -> "Splits":
        """Read what `save` wrote; raises `BadInput` where it is not there."""
        try:
            summary = SplitSummary.model_validate_json((directory / SUMMARY).read_bytes())
        except FileNotFoundError:
            raise BadInput(f"{directory}: holds no split of a table (no {SUMMARY})") from None
        # one file each: a dataset reader would guess partitions from the folder's name
        parts = [
            parquet.ParquetFile(directory / f"{name}.parquet").read()
            for name in ("train", "validation", "test")
        ]
        return cls(parts[0], parts[1], parts[2], summary)
