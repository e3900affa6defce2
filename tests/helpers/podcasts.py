"""The example `ranking`: its rankers, trained and packed as the pipeline does it, once a session."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from examined import Examined, examine, quick
from slices import slice_of
from timonel.package import Package
from timonel.ranker import Ranker, load_ranker

SETTINGS = """\
model: {name: podcasts, task: ranking}
data: {source: none.csv, target: show, entity: listener, time: followed_at}
"""


@cache
def ranked(candidate: str = "item-knn", **changes: int) -> Examined:
    """A candidate of the example, trained on all of its rows without a search."""
    sections: dict[str, dict[str, Any]] = {"ranking": {"category": "topic", **changes}}
    return examine(slice_of("ranking", 10**6), quick("ranking", **sections), candidate)


@dataclass(frozen=True)
class PackedRanker:
    """A ranker's package."""

    package: Package
    settings: str = SETTINGS

    @property
    def ranker(self) -> Ranker:
        """The tables."""
        return load_ranker(self.package.path / "ranker")

    def top(self, user: str, k: int) -> list[str]:
        """The list of a user, as the tables give it."""
        return [str(self.ranker.items.names[c]) for c in self.ranker.top_k([user], k).items[0]]


def pack(out: Path, candidate: str = "item-knn") -> PackedRanker:
    """The package of a candidate of the example."""
    return PackedRanker(ranked(candidate).package(out))
