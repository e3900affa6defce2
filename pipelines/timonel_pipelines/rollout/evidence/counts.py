"""What the versions did since the last look, from the monitor's exact counts.

Events reach the monitor some seconds after they happen. So a block is what was counted between two looks,
not what happened between two times: each request is in one block, however late its event came.
"""

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict

from timonel.canary import Arm, CanaryPlan
from timonel.errors import BadInput, Unavailable
from timonel.terms import Evidence

RATES = {
    "errors": ("error", "timeout"),
    "nulls": ("null",),
    "violations": ("violating",),
    "rejected": ("rejected",),
}
"""Metrics of a plan, and the counters whose sum they are."""
LATENCY = "latency"


class Counted(BaseModel):
    """One version's requests since the beginning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    n: int = 0
    ok: int = 0
    error: int = 0
    timeout: int = 0
    rejected: int = 0
    null: int = 0
    slow: int = 0
    violating: int = 0
    latency: tuple[int, ...] = ()

    def bad(self, metric: str) -> int:
        """Those that are bad by a metric."""
        return sum(getattr(self, name) for name in RATES[metric])


class Totals(BaseModel):
    """All versions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    edges_ms: tuple[float, ...] = ()
    versions: dict[str, Counted] = {}

    def of(self, version: str) -> Counted:
        """One of them; all zeros for one that had no request."""
        none = Counted(version=version, latency=(0,) * (len(self.edges_ms) + 1))
        return self.versions.get(version, none)


@dataclass(frozen=True)
class Counts:
    """The monitor's counts of one model."""

    url: str
    model: str
    token: str | None = None

    def since(self, start: datetime) -> Totals:
        """All that happened since; raises Unavailable while the monitor does not answer."""
        found = self._ask(start)
        versions = {one["version"]: Counted.model_validate(one) for one in found["versions"]}
        return Totals(edges_ms=tuple(found["latency_edges_ms"]), versions=versions)

    def _ask(self, start: datetime) -> dict[str, Any]:
        at = f"{self.url}/v1/models/{self.model}/counts"
        headers = {} if self.token is None else {"authorization": f"Bearer {self.token}"}
        try:
            answer = httpx.get(at, params={"start": start.isoformat()}, headers=headers, timeout=10)
        except httpx.TransportError as error:
            raise Unavailable(
                f"the monitor at {self.url} does not answer: {error}",
                fix="start it with timonel watch, or give its address with --monitor",
            ) from None
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"the monitor answered {answer.status_code}: {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found


def check_metrics(plan: CanaryPlan) -> None:
    """Raise BadInput for a plan that compares what the monitor does not count."""
    unknown = [m.name for m in plan.metrics if not _known(m.name, m.kind)]
    if unknown:
        raise BadInput(
            f"rollout.metrics names {', '.join(unknown)}, which the monitor does not count",
            fix=f"use {', '.join(RATES)} of kind rate and {LATENCY} of kind latency",
        )


def _known(name: str, kind: Evidence) -> bool:
    return (kind is Evidence.RATE and name in RATES) or (
        kind is Evidence.LATENCY and name == LATENCY
    )


def arm(
    plan: CanaryPlan,
    edges_ms: tuple[float, ...],
    before: Counted,
    now: Counted,
    *,
    restarts: int = 0,
    started: datetime | None = None,
) -> Arm:
    """What a version did between two looks; raises BadInput if it did less than nothing."""
    if now.n < before.n:
        raise BadInput(
            f"the monitor has counted {now.n:,} requests of version {now.version}, {before.n:,} before",
            why="it was started anew on another folder, or lost what it had",
        )
    rates = [m.name for m in plan.metrics if m.kind is Evidence.RATE]
    return Arm(
        requests=now.n - before.n,
        counts={name: now.bad(name) - before.bad(name) for name in rates},
        histograms={
            m.name: _cells(m.edges, edges_ms, before.latency, now.latency)
            for m in plan.metrics
            if m.kind is Evidence.LATENCY
        },
        restarts=restarts,
        started=started,
    )


def _cells(
    wanted: tuple[float, ...],
    edges: tuple[float, ...],
    before: tuple[int, ...],
    now: tuple[int, ...],
) -> tuple[int, ...]:
    """The cells between the wanted edges, each moved to the nearest edge that is counted (5 % at most)."""
    fresh = [b - a for a, b in zip(before, now, strict=True)]
    cuts = [0, *(nearest(edges, edge) + 1 for edge in wanted), len(fresh)]
    return tuple(sum(fresh[a:b]) for a, b in pairwise(cuts))


def nearest(edges: tuple[float, ...], wanted: float) -> int:
    """The number of the edge that lies nearest."""
    at = min(bisect.bisect_left(edges, wanted), len(edges) - 1)
    return at - 1 if at and wanted - edges[at - 1] < edges[at] - wanted else at


def base_rates(plan: CanaryPlan, totals: Totals, version: str) -> Mapping[str, float]:
    """The champion's rates so far, of what the plan gives none for; half a bad request is added to each.

    Empty while the champion has had no request.
    """
    seen = totals.of(version)
    rates = {}
    for metric in plan.metrics:
        if metric.kind is Evidence.RATE:
            bad, n = seen.bad(metric.name), seen.n
        else:
            above = nearest(totals.edges_ms, metric.edges[metric.slo_edge]) + 1
            bad, n = sum(seen.latency[above:]), sum(seen.latency)
        if n and metric.base_rate is None:
            rates[metric.name] = (bad + 0.5) / (n + 1)
    return rates
