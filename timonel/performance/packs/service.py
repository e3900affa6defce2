"""Latency and service: how fast predictions come, and how many fail."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from timonel.performance.intervals import Z
from timonel.performance.packs.grids import LATENCY, LATENCY_CELLS, middles
from timonel.performance.packs.measures import count, mean, share
from timonel.performance.packs.quantiles import quantile
from timonel.performance.value import Measured, State
from timonel.windows.events import Events
from timonel.windows.pack import Contribution, Field

Counts = NDArray[np.int64]

OK, ERROR, TIMEOUT, REJECTED = range(4)
_STATES = 4
UNKNOWN = LATENCY_CELLS
"""The cell of rows whose latency is not known."""

_MS = 1000.0
"""Microseconds in a millisecond."""


@dataclass(frozen=True)
class ServicePack:
    """Reads the columns latency_us (below 0: unknown), status, null and violations of every prediction.

    A request fails if its status is error or timeout; rejected ones (4xx) are the caller's fault and have
    a rate of their own. Latency is that of all requests for which it is known, failed ones too.
    """

    latency_slo_ms: float = 100.0
    """Beyond it a prediction is slow."""

    fields = (
        Field("service.kind", _STATES * 8),
        Field("service.latency", LATENCY_CELLS + 1),
        Field("service.latency_us", 1),
    )
    remembers = ()
    quality: ClassVar[frozenset[str]] = frozenset()

    def served(self, events: Events) -> Iterator[Contribution]:
        """One counter a row for status, null, violations and slowness together, and its latency."""
        columns = events.columns
        latency = columns["latency_us"]
        known = latency >= 0
        slow = latency > self.latency_slo_ms * _MS
        kind = columns["status"].astype(np.int16)
        for flag, size in ((columns["null"], 1), (columns["violations"] > 0, 2), (slow, 4)):
            kind += flag.astype(np.int16) * (_STATES * size)
        yield Contribution("service.kind", kind)
        cells = np.where(known, LATENCY.codes(latency), np.uint16(UNKNOWN))
        yield Contribution("service.latency", cells)
        yield Contribution(
            "service.latency_us", np.zeros(len(latency), np.int8), np.maximum(latency, 0)
        )

    def judged(self, events: Events) -> Iterator[Contribution]:
        """Outcomes say nothing of the service."""
        return iter(())

    def metrics(self, sums: Mapping[str, Counts], seconds: float) -> dict[str, Measured]:
        """All figures of a window that is `seconds` long."""
        kinds = sums["service.kind"].reshape(2, 2, 2, _STATES)
        cells = sums["service.latency"][:UNKNOWN]
        status, n, timed = kinds.sum((0, 1, 2)), int(kinds.sum()), int(cells.sum())
        return {
            "n": count(n, n),
            "throughput_per_s": _throughput(n, seconds),
            "mean_latency_ms": _mean_latency(int(sums["service.latency_us"][0]), cells),
            **{
                f"p{q}_latency_ms": quantile(cells, q / 100, _EDGES, _MIDDLES) for q in (50, 95, 99)
            },
            "slow_rate": share(kinds[1].sum(), timed),
            "error_rate": share(status[ERROR] + status[TIMEOUT], n),
            "timeout_rate": share(status[TIMEOUT], n),
            "rejected_rate": share(status[REJECTED], n),
            "null_rate": share(kinds[:, :, 1, OK].sum(), status[OK]),
            "violation_rate": share(kinds[:, 1].sum(), n),
        }

    def warnings(self, sums: Mapping[str, Counts]) -> list[str]:
        """What a reader should know besides."""
        cells = sums["service.latency"]
        n, unknown = int(cells.sum()), int(cells[UNKNOWN])
        if 0 < unknown < n:
            return [f"latency is known of {n - unknown:,} of {n:,} predictions"]
        return []


_EDGES = np.concatenate([[0.0], LATENCY.edges, [math.inf]]) / _MS
_MIDDLES = middles() / _MS


def _throughput(n: int, seconds: float) -> Measured:
    """Requests a second, with the interval of a Poisson count (Wilson and Hilferty's approximation)."""
    if not n:
        return Measured.absent(State.NO_DATA)
    lower = n * max(1 - 1 / (9 * n) - Z / (3 * math.sqrt(n)), 0.0) ** 3
    more = n + 1
    upper = more * (1 - 1 / (9 * more) + Z / (3 * math.sqrt(more))) ** 3
    return Measured(n / seconds, lower / seconds, upper / seconds, n)


def _mean_latency(total_us: int, cells: NDArray[Any]) -> Measured:
    """The exact mean; its interval by the variance of the cells, whose squares could not overflow."""
    n = int(cells.sum())
    if not n:
        return mean(0.0, 0.0, 0)
    centre = float(cells @ _MIDDLES) / n
    variance = float(cells @ (_MIDDLES - centre) ** 2) / max(n - 1, 1)
    return mean(total_us / _MS, variance, n, least=0.0)
