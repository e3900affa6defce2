"""One block of a rollout: what both versions did since the last one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from timonel.canary import Arm, Block, CanaryPlan
from timonel.canary.cutting import Totals, Versions, cut
from timonel.errors import Unavailable
from timonel_pipelines.rollout.evidence.counts import Counts
from timonel_pipelines.rollout.record.state import State


@dataclass(frozen=True)
class Observed:
    """A block, and the counts that the next one starts from."""

    block: Block
    totals: Totals
    replayed: int = 0
    """How many numbers the file of replayed rows holds then."""


def observe(
    state: State,
    plan: CanaryPlan,
    counts: Counts,
    started: Mapping[str, datetime],
    lag: timedelta,
) -> Observed:
    """Look now. A monitor that does not answer makes a block whose metrics failed: that is no pass."""
    assert state.block_end is not None
    span = state.block_end, datetime.now(UTC)
    weight = state.weight if span[0] >= state.weight_since + lag else None
    try:
        found = counts.since(state.counted_from)
    except Unavailable:
        failed = tuple(m.name for m in plan.metrics)
        canary = Arm(0, restarts=state.restarts)
        return Observed(Block(*span, Arm(0), canary, failed=failed), state.totals)
    pair = Versions(state.champion.number, state.challenger.number, state.restarts, started)
    return Observed(cut(plan, pair, state.totals, found, span, weight=weight), found)
