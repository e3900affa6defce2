"""The data contract: what the columns of a model's table are and may hold.

It is inferred from the training table, stored as JSON beside the model, and enforced in the pipeline
and in the predictor by the same code (`timonel.contract.enforce`).
"""

from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from timonel.config.section import Label
from timonel.config.sections import Kind
from timonel.errors import BadInput
from timonel.files import write_text
from timonel.terms import Task


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ColumnContract(_Frozen):
    """What one column holds."""

    name: str
    kind: Kind
    nullable: bool = False
    """Whether a value may be missing."""
    minimum: float | None = None
    """Least value allowed: the least seen, less a tolerance."""
    maximum: float | None = None
    """Greatest value allowed: the greatest seen, plus a tolerance."""
    categories: tuple[str, ...] | None = None
    """The values a categorical column may take. None: any, there were too many to list."""


class RankingContract(_Frozen):
    """What a request for ranked items may ask."""

    k: int
    """Items in a list where the request does not say."""
    max_k: int
    """Items in a list at most."""


class DataContract(_Frozen):
    """What a model's table holds: enforced before training and on every request."""

    format_version: int = Field(default=1, ge=1, le=1)
    model: str
    task: Task
    features: tuple[ColumnContract, ...]
    """The columns the model sees, in the order of a request's row."""
    target: str
    classes: tuple[Label, ...]
    """The target's values in the order of the model's outputs; of a binary task the positive one last.
    A ranking has none: its items are the model's own."""
    ranking: RankingContract | None = None
    """Of a ranking task; its one feature is the user."""
    time: str | None = None
    """The time column: it must be present in training tables and never missing."""
    time_monotone: bool = False
    """Whether the rows came in the order of time."""
    key: str | None = None
    """The column that is unique in a table."""
    entity: str | None = None
    rows: int
    """Rows that the contract was inferred from."""

    @cached_property
    def numeric(self) -> tuple[ColumnContract, ...]:
        """The features that reach the model as numbers."""
        return tuple(c for c in self.features if c.kind in ("numeric", "boolean"))

    @cached_property
    def categorical(self) -> tuple[ColumnContract, ...]:
        """The features that reach the model as categories."""
        return tuple(c for c in self.features if c.kind == "categorical")

    @cached_property
    def text(self) -> tuple[ColumnContract, ...]:
        """The features that reach the model as free text."""
        return tuple(c for c in self.features if c.kind == "text")

    @cached_property
    def model_order(self) -> tuple[str, ...]:
        """The features' names in the order in which the model takes them: numbers, categories, text."""
        return tuple(c.name for c in (*self.numeric, *self.categorical, *self.text))

    def save(self, path: Path) -> None:
        """Write the contract as JSON."""
        write_text(path, self.model_dump_json(indent=2, exclude_defaults=True) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a contract; a wrong one is a `BadInput` naming the file."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise BadInput(f"{path}: no such data contract") from None
        except ValidationError as error:
            raise BadInput(f"{path}: not a data contract: {error}") from None
