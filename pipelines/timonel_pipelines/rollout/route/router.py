"""What a router of requests has to do for a rollout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Route:
    """A version, where it answers, and its part of the requests."""

    version: str
    url: str
    weight: int
    """Percent; 0 for one that is ready and gets none."""


@dataclass(frozen=True)
class InForce:
    """What a router really does, whoever told it to."""

    weights: Mapping[str, int]
    """By version, in percent."""
    mirrored: str | None = None
    """The version that gets a copy of each request, whose answers nobody sees."""

    def __str__(self) -> str:
        said = [f"version {v} {w} %" for v, w in self.weights.items()]
        copies = [f"copies to version {self.mirrored}"] if self.mirrored else []
        return ", ".join([*said, *copies])


class Router(Protocol):
    """Splits requests between versions; no request fails because of a change."""

    def set_routes(self, routes: Sequence[Route], mirrored: str | None = None) -> None:
        """Have requests go so, with copies to one version. Returns once they do.

        Raises Unavailable if they do not in time.
        """

    def in_force(self) -> InForce:
        """What is in force; raises Unavailable while the router does not tell."""
