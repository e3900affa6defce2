"""Counters that only rise, over restarts too: what was served, and what was refused."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from timonel.monitor.parcel import Served

MOST_VERSIONS = 50
"""Versions that have series of their own; later ones count as "other"."""
OTHER = "other"


@dataclass(eq=False)
class Counters:
    """Of one model."""

    served: dict[str, Counter[str]] = field(default_factory=dict)
    """By version: n, ok, error, timeout, rejected, null, slow, violating."""
    refused: Counter[str] = field(default_factory=Counter)
    """Deliveries that were not taken, by the code of the problem."""

    def add(self, found: Iterable[Served]) -> None:
        """Count what a delivery served."""
        for one in found:
            known = one.version in self.served or len(self.served) < MOST_VERSIONS
            version = one.version if known else OTHER
            self.served.setdefault(version, Counter()).update(asdict(one.requests))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        served = {version: dict(counts) for version, counts in self.served.items()}
        return {"served": served, "refused": dict(self.refused)}

    @classmethod
    def of(cls, saved: Mapping[str, Any]) -> Self:
        """The inverse."""
        served = {version: Counter(counts) for version, counts in saved["served"].items()}
        return cls(served, Counter(saved["refused"]))
