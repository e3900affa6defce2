"""One link of a decision's chain, and what became of checking it."""

from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import JsonValue


class Found(StrEnum):
    """How a link is."""

    HOLDS = "holds"
    """It is there, and it is what the link before it says."""
    MISSING = "missing"
    """It is not there: nothing is known of it."""
    NOT_NEEDED = "not needed"
    """What was decided has no such link."""
    DIFFERS = "differs"
    """It is another one than was recorded, or was changed."""


@dataclass(frozen=True, slots=True)
class Link:
    """A step of the chain."""

    name: str
    found: Found
    said: str
    """What it is, or what is wrong, in a sentence."""
    ids: dict[str, JsonValue] = field(default_factory=dict)
    """Numbers, hashes and digests in full."""

    def to_dict(self) -> dict[str, JsonValue]:
        """Plain JSON values."""
        return {"link": self.name, "found": self.found.value, "said": self.said, "ids": self.ids}
