"""What a scan has learnt: references, limits and the budget of false alarms they keep."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from timonel.drift.scan.budget import Budget
from timonel.drift.scan.effects import Floats, Measure, measures
from timonel.drift.scan.pools import SCALES, Pools, pool, pool_starts, tracks
from timonel.drift.scan.thresholds import Limits
from timonel.drift.scan.windows import History
from timonel.drift.scan.yardstick import Yardstick
from timonel.reference.bins import Bins, bins_from_dict


@dataclass(frozen=True, eq=False)
class Calibration:
    """Everything that judging a window needs, and nothing that changes with it."""

    bins: tuple[Bins, ...]
    yardstick: Yardstick
    limits: Limits
    """Of M tracks and S scales, in each feature's unit."""
    gates: Floats
    """(F, 3): info, ticket, page, in each feature's unit."""
    budget: Budget
    span: tuple[int, int] | None = None
    """The start of the first window that it was fitted on and the end of the last."""
    windows: int = 0
    """How many there were."""
    least: tuple[int, ...] = tuple(scale.windows // 2 for scale in SCALES)
    """The windows with traffic that a pool of each scale needs."""

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The features' names."""
        return tuple(b.name for b in self.bins)

    @cached_property
    def tracks(self) -> NDArray[np.intp]:
        """(M,) the feature of each track."""
        return tracks(self.bins)

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """M: the distance of each track."""
        return tuple(measure for feature in self.bins for measure in measures(feature))

    def pools(self, history: History) -> Pools:
        """What the pools that end with each window show."""
        at = self.yardstick.at(history.time)
        return settled(pool(history, at, self.yardstick.counts), history, self.least)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "bins": [b.to_dict() for b in self.bins],
            "reference": self.yardstick.counts.tolist(),
            "limits": self.limits.to_dict(),
            "gates": self.gates.tolist(),
            "budget": asdict(self.budget),
            "span": self.span,
            "windows": self.windows,
            "least": self.least,
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(
            tuple(bins_from_dict(b) for b in saved["bins"]),
            Yardstick(np.array(saved["reference"], dtype=np.int64)),
            Limits.from_dict(saved["limits"]),
            np.array(saved["gates"], dtype=np.float64),
            Budget(**saved["budget"]),
            tuple(saved["span"]) if saved["span"] else None,
            saved["windows"],
            tuple(saved["least"]),
        )


def settled(pools: Pools, history: History, least: tuple[int, ...]) -> Pools:
    """Unknown where a pool is half empty, after a start or a gap: it is as restless as a shorter one."""
    known = (busy_windows(history) >= least)[:, None, :]
    return Pools(np.where(known, pools.effects, np.nan), pools.rows)


def busy_windows(history: History) -> NDArray[np.int64]:
    """How many windows with traffic the pools that end with each window have: (T, S)."""
    busy = np.concatenate([[0], np.cumsum(history.counts.any(axis=(1, 2)))])
    return np.stack([busy[1:] - busy[start] for start in pool_starts(history.time)], axis=1)
