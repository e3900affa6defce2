"""Latency and service: how fast predictions come, and how many fail."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from timonel.performance.intervals import Z
from timonel.performance.packs.deferred import Deferred, from_table
from timonel.performance.packs.grids import LATENCY, LATENCY_CELLS, middles
from timonel.performance.packs.kept import Kept
from timonel.performance.packs.measures import count, mean, share
from timonel.performance.packs.quantiles import quantile
from timonel.performance.value import Measured, State
from timonel.windows.events import Events
from timonel.windows.pack import Contribution, Field

Counts = NDArray[np.int64]

OK, ERROR, TIMEOUT, REJECTED = range(4)
_STATES = 4
_NULL, _VIOLATED, _SLOW = 1, 2, 4
"""The places that a flag takes up in a request's kind, times the states."""
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
        flags = ((columns["null"], _NULL), (columns["violations"] > 0, _VIOLATED), (slow, _SLOW))
        for flag, size in flags:
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

    def metrics(self, sums: Mapping[str, Counts], seconds: float) -> Deferred:
        """All figures of a window that is `seconds` long."""
        return from_table(_FIGURES, _Window(sums, seconds))

    def warnings(self, sums: Mapping[str, Counts]) -> list[str]:
        """What a reader should know besides."""
        cells = sums["service.latency"]
        n, unknown = int(cells.sum()), int(cells[UNKNOWN])
        if 0 < unknown < n:
            return [f"latency is known of {n - unknown:,} of {n:,} predictions"]
        return []


@dataclass(frozen=True, slots=True)
class Requests:
    """How many requests there were, and of what kind."""

    n: int
    ok: int
    error: int
    timeout: int
    rejected: int
    null: int
    """Without a prediction, though they did not fail."""
    slow: int
    violating: int
    """Against the data contract."""


def requests(sums: Mapping[str, Counts]) -> Requests:
    """Those of a window."""
    window = _Window(sums, 1.0)
    states = (window.of(one) for one in (OK, ERROR, TIMEOUT, REJECTED))
    flags = (window.flagged(one) for one in (_NULL, _SLOW, _VIOLATED))
    return Requests(window.n, *states, *flags)


_EDGES = np.concatenate([[0.0], LATENCY.edges, [math.inf]]) / _MS
_MIDDLES = middles() / _MS


@dataclass(frozen=True, eq=False)
class _Window:
    """The counters of a window; what several figures need is worked out once."""

    sums: Mapping[str, Counts]
    seconds: float

    @Kept
    def kinds(self) -> list[int]:
        """Requests by slowness, violations, null and status, the latter the fastest to change."""
        found: list[int] = self.sums["service.kind"].tolist()
        return found

    @Kept
    def n(self) -> int:
        """Requests."""
        return sum(self.kinds)

    @Kept
    def cells(self) -> Counts:
        """Those of known latency by its cell."""
        return self.sums["service.latency"][:UNKNOWN]

    def of(self, *status: int) -> int:
        """Requests of these states."""
        return sum(sum(self.kinds[one::_STATES]) for one in status)

    def rate(self, *status: int) -> Measured:
        """The share of these states."""
        return share(self.of(*status), self.n)

    def flagged(self, size: int) -> int:
        """Requests that have the flag which takes up so many places, times the states."""
        step = _STATES * size
        starts = range(step, len(self.kinds), 2 * step)
        return sum(sum(self.kinds[start : start + step]) for start in starts)

    def quantile(self, q: float) -> Measured:
        """A quantile of latency, in milliseconds."""
        return quantile(self.cells, q, _EDGES, _MIDDLES)

    def null_rate(self) -> Measured:
        """The share of the successful requests that got no prediction."""
        nulls = sum(self.kinds[_STATES * _NULL + OK :: 2 * _STATES * _NULL])
        return share(nulls, self.of(OK))


_FIGURES: Mapping[str, Callable[[_Window], Measured]] = {
    "n": lambda window: count(window.n, window.n),
    "throughput_per_s": lambda window: _throughput(window.n, window.seconds),
    "mean_latency_ms": lambda window: _mean_latency(
        int(window.sums["service.latency_us"][0]), window.cells
    ),
    "p50_latency_ms": lambda window: window.quantile(0.5),
    "p95_latency_ms": lambda window: window.quantile(0.95),
    "p99_latency_ms": lambda window: window.quantile(0.99),
    "slow_rate": lambda window: share(window.flagged(_SLOW), int(window.cells.sum())),
    "error_rate": lambda window: window.rate(ERROR, TIMEOUT),
    "timeout_rate": lambda window: window.rate(TIMEOUT),
    "rejected_rate": lambda window: window.rate(REJECTED),
    "null_rate": _Window.null_rate,
    "violation_rate": lambda window: share(window.flagged(_VIOLATED), window.n),
}


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
    rows = cells.astype(np.float64)
    n = int(rows.sum())
    if not n:
        return mean(0.0, 0.0, 0)
    centre = float(rows @ _MIDDLES) / n
    variance = float(rows @ (_MIDDLES - centre) ** 2) / max(n - 1, 1)
    return mean(total_us / _MS, variance, n, least=0.0)
