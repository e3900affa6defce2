"""The counts of one scrape block: what the judge is given, and nothing else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError

from timonel.errors import BadInput

Count = Annotated[int, Field(ge=0)]
_CLOSED = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Moments:
    """Numbers that were added up: how many, their sum and the sum of their squares."""

    n: Count
    total: float
    squares: Annotated[float, Field(ge=0)]

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED


@dataclass(frozen=True)
class Paired:
    """Labelled rows that both versions scored: how many, and how many only one of them got wrong."""

    n: Count
    only_canary: Count
    only_stable: Count

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED


@dataclass(frozen=True)
class Arm:
    """What one version did within a block. A metric that is left out is missing, not zero."""

    requests: Count
    """First attempts, not retries."""
    counts: Mapping[str, Count] = field(default_factory=dict)
    """Of a rate: how many requests were bad."""
    of: Mapping[str, Count] = field(default_factory=dict)
    """Of a rate that is not one of all requests: of how many rows (labelled ones, a segment's)."""
    histograms: Mapping[str, tuple[Count, ...]] = field(default_factory=dict)
    """Of latency or scores: the count of each cell, one more than there are edges. An edge belongs to the
    cell below it."""
    values: Mapping[str, Moments] = field(default_factory=dict)
    """Of a business value."""
    restarts: Count = 0
    """How often its processes died."""
    started: AwareDatetime | None = None
    """When the newest of its processes started."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED


@dataclass(frozen=True)
class Block:
    """Both arms over the same stretch of time."""

    start: AwareDatetime
    end: AwareDatetime
    stable: Arm
    canary: Arm
    weight: Annotated[float, Field(ge=0, le=100)] | None = None
    """Traffic of the canary in percent, if the route was set to it throughout the block."""
    paired: Mapping[str, Paired] = field(default_factory=dict)
    losses: Mapping[str, Moments] = field(default_factory=dict)
    """Differences of a loss, canary less stable, row by row."""
    failed: tuple[str, ...] = ()
    """Metrics whose query failed: an error, which is something else than no data."""
    doubts: tuple[str, ...] = ()
    """Sentences: why its counts are not believed. Such a block is no evidence."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start).total_seconds()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain: dict[str, Any] = _BLOCK.dump_python(self, mode="json", exclude_defaults=True)
        return plain

    @classmethod
    def from_dict(cls, plain: Any) -> "Block":
        """The inverse of `to_dict`."""
        return cls.from_json(json.dumps(plain))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Block":
        """The same from JSON; raises BadInput naming the field that is wrong."""
        try:
            return _BLOCK.validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "as a whole"
            raise BadInput(f"a block that cannot be read, {where}: {first['msg']}") from None


_BLOCK: TypeAdapter[Block] = TypeAdapter(Block)


def utc(at: datetime) -> str:
    """A time as people read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
