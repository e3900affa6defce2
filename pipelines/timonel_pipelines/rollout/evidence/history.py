"""What is known before a rollout starts: the champion's base rates, and how much a process differs by itself.

How much two processes of equal versions differ shows only where two served side by side: in earlier rollouts
that promoted. Halves of one process's requests, however they are drawn, share whatever befell that process,
and would call its noise nothing. Without such blocks noise is learnt on the way, cautiously.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Any

from timonel.canary import Block, CanaryPlan, Metric, Verdict
from timonel.canary.noise import LEAST_HISTORY
from timonel.canary.streams import COUNTED
from timonel.terms import Evidence
from timonel_pipelines.rollout.record.state import Phase, Rollouts

LEAST_BAD = 100
"""Bad requests below which a rate shows nothing of its noise."""
MOST_BLOCKS = 7 * 1440
"""Earlier blocks that are looked at, the newest rollouts first."""


@dataclass(frozen=True)
class Learnt:
    """A plan with what was known, and what that was."""

    plan: CanaryPlan
    said: Mapping[str, Any]
    """For the record: base rates, noise by metric (of a histogram the largest), and from how many blocks."""


def learnt(plan: CanaryPlan, rates: Mapping[str, float], earlier: Iterable[Block]) -> Learnt:
    """Fill in what the settings leave open.

    Args:
        plan: as set.
        rates: the champion's of the last day, by metric.
        earlier: blocks in which two versions of which neither was worse served side by side.
    """
    blocks = list(earlier)
    metrics = [_learnt(plan, m, blocks) for m in plan.metrics]
    metrics = [replace(m, base_rate=m.base_rate or rates.get(m.name)) for m in metrics]
    of = list(zip(plan.metrics, metrics, strict=True))
    noise = {m.name: _largest(m) for was, m in of if was.noise is None and m.noise is not None}
    base = {m.name: m.base_rate for was, m in of if was.base_rate is None and m.base_rate}
    cautious = [m.name for m in metrics if m.kind in COUNTED and m.noise is None]
    said = {"base_rates": base, "noise": noise, "blocks": len(blocks) if noise else 0}
    return Learnt(plan.with_metrics(metrics), said | {"noise_learnt_on_the_way": cautious})


def _learnt(plan: CanaryPlan, metric: Metric, blocks: Sequence[Block]) -> Metric:
    """With the noise that earlier blocks show of it, if enough of them report it."""
    if metric.kind not in (Evidence.RATE, Evidence.LATENCY) or metric.noise is not None:
        return metric
    telling = [b for b in blocks if _tells(metric, b)]
    bad = sum(a.counts.get(metric.name, 0) for b in telling for a in (b.stable, b.canary))
    if len(telling) < LEAST_HISTORY or (metric.kind is Evidence.RATE and bad < LEAST_BAD):
        return metric
    alone = plan.with_metrics([replace(metric, weight=1.0)])
    (found,) = alone.learn(telling).metrics
    return replace(metric, noise=found.noise)


def _tells(metric: Metric, block: Block) -> bool:
    there = all(
        arm.requests and (metric.name in arm.counts or metric.name in arm.histograms)
        for arm in (block.stable, block.canary)
    )
    cells = block.stable.histograms.get(metric.name, ())
    return there and metric.name not in block.failed and len(cells) in (0, len(metric.edges) + 1)


def _largest(metric: Metric) -> float:
    found = metric.noise if isinstance(metric.noise, tuple) else (metric.noise or 0.0,)
    return max(found, default=0.0)


def earlier_blocks(rollouts: Rollouts, length: timedelta) -> list[Block]:
    """Blocks of about this length from rollouts that promoted, in the order of time."""
    newest = list(islice(_backwards(rollouts), MOST_BLOCKS))
    return [b for b in reversed(newest) if length / 2 <= b.end - b.start <= 2 * length]


def _backwards(rollouts: Rollouts) -> Iterator[Block]:
    for store in rollouts.all():
        state = store.load()
        if state.phase is Phase.ENDED and state.verdict is Verdict.PROMOTE:
            yield from reversed([Block.from_dict(told["block"]) for told in store.blocks()])
