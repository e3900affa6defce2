"""What the API server answered, as plain data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer of the API server."""

    status: int
    """Of HTTP; 0 if none came."""
    body: Any = None
    """The JSON of a success."""
    message: str = ""
    """Why it was none."""
    date: str = ""
    """The server's clock, as in its header Date."""

    @property
    def ok(self) -> bool:
        """Whether it was answered."""
        return 200 <= self.status < 300

    @property
    def missing(self) -> bool:
        """Whether there is no such thing, as opposed to one that may not be seen."""
        return self.status == 404

    @property
    def items(self) -> list[dict[str, Any]]:
        """The objects of a list; none of anything else."""
        found = self.body.get("items") if self.ok and isinstance(self.body, dict) else None
        return found or []


@dataclass(frozen=True)
class Facts:
    """All that was asked, by name; the names are those of `asking.py`."""

    namespace: str
    now: datetime
    """When the cluster answered, by this machine's clock."""
    answers: Mapping[str, Answer]
    gateway: tuple[str, str] = ("kserve", "kserve-ingress-gateway")
    """Namespace and name."""

    def __getitem__(self, name: str) -> Answer:
        """What was not asked was not answered."""
        return self.answers.get(name, Answer(0, message="not asked"))

    def under(self, prefix: str) -> Iterator[tuple[str, Answer]]:
        """The answers to a group of questions, by what follows the prefix."""
        return (
            (name.removeprefix(prefix), answer)
            for name, answer in self.answers.items()
            if name.startswith(prefix)
        )


def conditions(owner: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The conditions of an object's status, by type."""
    found = (owner.get("status") or owner).get("conditions") or ()
    return {one["type"]: one for one in found}
