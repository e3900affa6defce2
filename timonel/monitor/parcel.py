"""Parcels: what a monitor has counted, on its way to another one that adds it up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from timonel.errors import Corrupt
from timonel.monitor.terms import Terms
from timonel.performance.packs.service import Requests, requests
from timonel.windows import arrow, pending_arrow
from timonel.windows.envelope import bundle, bundle_size, unbundle
from timonel.windows.layout import SERVED
from timonel.windows.pending import Pending
from timonel.windows.ranges import Sums
from timonel.windows.state import WindowState

KIND, FORMAT = "parcel", 1


@dataclass(frozen=True, slots=True)
class Served:
    """Predictions of one version."""

    version: str
    """ "" where it was not given; "other" for those beyond the bound of versions."""
    requests: Requests


@dataclass(frozen=True, eq=False)
class Parcel:
    """Counters, and of each prediction with an id what its label will need: all else of a row stays behind.

    Made by `ModelMonitor.hand_over`. Parcels can be merged in any order and give what one monitor would have
    counted.
    """

    terms: Terms
    """What the counters mean."""
    state: WindowState
    features: WindowState | None
    """None without a reference."""
    pending: Pending
    """Predictions that may get a label, and labels whose prediction was not among them."""
    rejected: Mapping[str, int]
    """What could not be used, by reason."""
    oldest: int
    """The times of its predictions, microseconds since 1970 UTC; -1 without any."""

    @property
    def newest(self) -> int:
        """The newest of them."""
        return -1 if self.state.watermark is None else self.state.watermark

    @property
    def rows(self) -> int:
        """Predictions counted in it."""
        return self._all().n + int(self.state.expired[SERVED])

    def served(self) -> tuple[Served, ...]:
        """What became of the requests, by version."""
        return tuple(Served(v, requests(self._all(v))) for v in self.state.versions())

    def _all(self, version: str | None = None) -> Sums:
        return self.state.sums(0, self.newest + 1, version)

    def to_bytes(self) -> bytes:
        """Compressed, and sealed with a SHA-256."""
        header = {
            "terms": dict(self.terms),
            "rejected": dict(self.rejected),
            "oldest": self.oldest,
        }
        parts = {
            "state": arrow.to_arrow(self.state),
            "pending": pending_arrow.to_arrow(self.pending),
        }
        if self.features is not None:
            parts["features"] = arrow.to_arrow(self.features)
        return bundle(KIND, FORMAT, header, parts)

    @staticmethod
    def unpacked_size(data: bytes) -> int:
        """The bytes of memory that `from_bytes` takes, about, told without taking them; Corrupt as there."""
        return bundle_size(KIND, data)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` wrote; Corrupt for anything else."""
        header, parts = unbundle(KIND, FORMAT, data)
        try:
            return cls(
                header["terms"],
                arrow.from_arrow(parts["state"]),
                arrow.from_arrow(parts["features"]) if "features" in parts else None,
                pending_arrow.from_arrow(parts["pending"]),
                {str(reason): int(n) for reason, n in header["rejected"].items()},
                int(header["oldest"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Corrupt(f"the parcel does not fit together: {error!r}") from error
