"""One block of a rollout: what both versions did since the last one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from timonel.canary import Arm, Block, CanaryPlan
from timonel.errors import BadInput, Unavailable
from timonel_pipelines.rollout.evidence.counts import Counts, Totals, arm
from timonel_pipelines.rollout.record.state import State


@dataclass(frozen=True)
class Observed:
    """A block, and the counts that the next one starts from."""

    block: Block
    totals: Totals


def observe(
    state: State,
    plan: CanaryPlan,
    counts: Counts,
    started: Mapping[str, datetime],
    lag: timedelta,
) -> Observed:
    """Look now. A monitor that does not answer makes a block whose metrics failed: that is no pass."""
    assert state.block_end is not None
    begin, now = state.block_end, datetime.now(UTC)
    steady = begin >= state.weight_since + lag
    try:
        found = counts.since(state.counted_from)
        arms = [
            arm(
                plan,
                found.edges_ms,
                _aligned(state.totals, found).of(version),
                found.of(version),
                restarts=restarts,
                started=started.get(version),
            )
            for version, restarts in (
                (state.champion.number, 0),
                (state.challenger.number, state.restarts),
            )
        ]
    except (Unavailable, BadInput):
        failed = tuple(m.name for m in plan.metrics)
        canary = Arm(0, restarts=state.restarts)
        return Observed(Block(begin, now, Arm(0), canary, failed=failed), state.totals)
    weight = state.weight if steady else None
    return Observed(Block(begin, now, arms[0], arms[1], weight=weight), found)


def _aligned(before: Totals, now: Totals) -> Totals:
    return before.model_copy(update={"edges_ms": now.edges_ms})
