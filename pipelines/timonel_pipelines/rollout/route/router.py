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


class Router(Protocol):
    """Splits requests between versions; no request fails because of a change."""

    def set_routes(self, routes: Sequence[Route]) -> None:
        """Have requests go so. Returns once they do; raises Unavailable if they do not in time."""

    def weights(self) -> Mapping[str, int]:
        """The weights by version that are really in force, whoever set them."""
