"""Blocks from exact counts: what was counted between two looks.

Events come some seconds after they happen. So a block is what was counted between two looks, not what
happened between two times: each request is in one block, however late its event came.
"""

import bisect
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from timonel.canary.block import Arm, Block
from timonel.canary.plan import CanaryPlan
from timonel.errors import BadInput
from timonel.terms import Evidence

RATES = {
    "errors": ("error", "timeout"),
    "nulls": ("null",),
    "violations": ("violating",),
    "rejected": ("rejected",),
}
"""Metrics of a plan, and the counters whose sum they are."""
LATENCY = "latency"
UNNAMED = ""
"""The version of events that name none."""


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

    @property
    def requests(self) -> int:
        """Of all versions."""
        return sum(one.n for one in self.versions.values())

    def of(self, version: str) -> Counted:
        """One of them; all zeros for one that had no request."""
        none = Counted(version=version, latency=(0,) * (len(self.edges_ms) + 1))
        return self.versions.get(version, none)


def check_metrics(plan: CanaryPlan, told_elsewhere: Collection[str] = ()) -> None:
    """Raise BadInput for a plan that compares what the monitor does not count, and nobody else tells."""
    unknown = [
        m.name for m in plan.metrics if m.name not in told_elsewhere and not _known(m.name, m.kind)
    ]
    if unknown:
        raise BadInput(
            f"rollout.metrics names {', '.join(unknown)}, which the monitor does not count",
            fix=f"use {', '.join(RATES)} of kind rate and {LATENCY} of kind latency",
        )


def _known(name: str, kind: Evidence) -> bool:
    return (kind is Evidence.RATE and name in RATES) or (
        kind is Evidence.LATENCY and name == LATENCY
    )


@dataclass(frozen=True)
class Versions:
    """The two versions that are compared, and what is known of their processes."""

    stable: str
    canary: str
    restarts: int = 0
    """Deaths of the canary's processes within the block."""
    started: Mapping[str, datetime] = field(default_factory=dict)
    """When the newest process of a version started, where that is known."""


def cut(
    plan: CanaryPlan,
    pair: Versions,
    before: Totals,
    now: Totals,
    span: tuple[datetime, datetime],
    *,
    weight: float | None = None,
    doubts: tuple[str, ...] = (),
) -> Block:
    """The block between two looks. What cannot be told to the versions makes a doubtful block without counts.

    Args:
        before: the counts at the last look, `now` those of this one: both since the same moment.
        span: when the two looks were.
        weight: traffic of the canary in percent, if the route was set to it throughout.
        doubts: further reasons not to believe the counts, as sentences.
    """
    found = (*doubts, *_doubts(pair, before, now))
    if found:
        return Block(*span, Arm(0), Arm(0, restarts=pair.restarts), doubts=found)
    before = before.model_copy(update={"edges_ms": now.edges_ms})
    stable, canary = (
        _arm(plan, now.edges_ms, before.of(name), now.of(name), restarts, pair.started.get(name))
        for name, restarts in ((pair.stable, 0), (pair.canary, pair.restarts))
    )
    return Block(*span, stable, canary, weight=weight)


def _doubts(pair: Versions, before: Totals, now: Totals) -> Iterator[str]:
    unnamed = now.of(UNNAMED).n - before.of(UNNAMED).n
    if unnamed > 0:
        yield (
            f"{unnamed:,} requests were logged without a version: which one served them is not known; "
            "have each event name its version"
        )
    for version in (pair.stable, pair.canary):
        fresh, known = now.of(version).n, before.of(version).n
        if fresh < known:
            yield (
                f"{fresh:,} requests of version {version} are counted, {known:,} were before: the monitor "
                "was started anew on another folder, or lost what it had"
            )


def _arm(
    plan: CanaryPlan,
    edges_ms: tuple[float, ...],
    before: Counted,
    now: Counted,
    restarts: int,
    started: datetime | None,
) -> Arm:
    rates = [m.name for m in plan.metrics if m.kind is Evidence.RATE and m.name in RATES]
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
    for metric in (m for m in plan.metrics if _known(m.name, m.kind)):
        if metric.kind is Evidence.RATE:
            bad, n = seen.bad(metric.name), seen.n
        else:
            above = nearest(totals.edges_ms, metric.edges[metric.slo_edge]) + 1
            bad, n = sum(seen.latency[above:]), sum(seen.latency)
        if n and metric.base_rate is None:
            rates[metric.name] = (bad + 0.5) / (n + 1)
    return rates
