"""A block becomes evidence: the next state of a judge from the one before, and nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from timonel.canary import counted, mismatch
from timonel.canary.bernoulli import Floats
from timonel.canary.block import Arm, Block, Moments, utc
from timonel.canary.losses import MomentSums
from timonel.canary.paired import PairedSums
from timonel.canary.plan import CanaryPlan
from timonel.canary.state import JudgeState
from timonel.canary.streams import counts_of
from timonel.errors import BadInput
from timonel.terms import Assignment, Evidence

GUARD_REQUESTS = 30
CRASHES = 3
"""Deaths of the canary's processes that are a crash loop."""

Sums = TypeVar("Sums", PairedSums, MomentSums)


@dataclass(frozen=True)
class Read:
    """A block with its counts as an array, and what is special about it."""

    block: Block
    counts: Floats
    lacking: tuple[str, ...]
    uneven: str | None
    warming: str | None

    @property
    def betting(self) -> bool:
        """Whether it is evidence."""
        return not (self.uneven or self.warming)

    @property
    def sound(self) -> bool:
        """Whether it counts for the canary."""
        return self.betting and not self.lacking


def read(plan: CanaryPlan, state: JudgeState, blocks: Sequence[Block]) -> list[Read]:
    """The blocks after a state; raises BadInput for one that is out of order or cannot be."""
    begun, end, found = state.begun or blocks[0].start, state.end, []
    for block in blocks:
        _check_time(end, block)
        counts, reported = counts_of(plan.streams, block)
        lacking = tuple(_lacking(plan, block, reported))
        uneven, warming = _uneven(plan, block), _warming(plan, begun, block)
        found.append(Read(block, counts, lacking, uneven, warming))
        end = block.end
    return found


def states(plan: CanaryPlan, state: JudgeState, found: Sequence[Read]) -> counted.Counted:
    """The evidence of the shares after each block."""
    counts, betting = np.array([r.counts for r in found]), np.array([r.betting for r in found])
    return counted.fold_blocks(plan.streams, state.counted, counts, betting)


def folded(
    plan: CanaryPlan, state: JudgeState, found: Read, shares: counted.Counted
) -> tuple[JudgeState, tuple[str, ...]]:
    """All evidence after a block, that of the shares given; and the crude limits that it broke."""
    block, betting = found.block, found.betting
    guard, guards = _guarded(plan, state, found.counts)
    restarts = state.restarts + block.canary.restarts
    if restarts >= CRASHES:
        guards = (f"crash loop: the canary's processes died {restarts} times", *guards)
    after = replace(
        state,
        counted=shares,
        mismatch=_ratio(plan, state, block) if betting else state.mismatch,
        guard=guard,
        restarts=restarts,
        blocks=state.blocks + 1,
        canary_requests=state.canary_requests + block.canary.requests * betting,
        lacking_for=state.lacking_for + 1 if found.lacking else 0,
        begun=state.begun or block.start,
        end=block.end,
        **(_uncounted(plan, state, block) if betting else {}),
    )
    return after, guards


def _check_time(end: datetime | None, block: Block) -> None:
    if block.end <= block.start:
        raise BadInput(f"a block that ends at {block.end} and starts at {block.start}")
    if end is not None and block.start < end:
        raise BadInput(
            f"a block from {block.start}, expected one from {end} on: the last one ended there",
            why="counting requests twice would make evidence of nothing",
            fix="give the blocks in order, each once",
        )


def _warming(plan: CanaryPlan, begun: datetime, block: Block) -> str | None:
    starts = [begun, block.stable.started, block.canary.started]
    ready = max(at for at in starts if at is not None) + plan.warm_up
    return f"warming up until {utc(ready)}: not evidence yet" if block.start < ready else None


def _uneven(plan: CanaryPlan, block: Block) -> str | None:
    old, new = block.stable.started, block.canary.started
    if plan.baseline_age is None or old is None or new is None or new - old <= plan.baseline_age:
        return None
    return (
        f"the champion's processes have run {new - old} longer than the canary's, at most "
        f"{plan.baseline_age} is a fair comparison: restart the baseline"
    )


def _lacking(plan: CanaryPlan, block: Block, reported: NDArray[np.bool_]) -> list[str]:
    if block.doubts:
        return list(block.doubts)
    found = [f"the query for {name} failed" for name in block.failed]
    for name, arm in (("champion", block.stable), ("canary", block.canary)):
        if arm.requests == 0:
            found.append(f"the {name} had no requests from {utc(block.start)} to {utc(block.end)}")
    if reported.all():
        return found
    missing = [
        m.name
        for m, there in zip(plan.streams.metrics, reported, strict=True)
        if not there and not m.support and m.name not in block.failed
    ]
    return [*found, *(f"{name} is missing from the block" for name in missing)]


def _guarded(plan: CanaryPlan, state: JudgeState, counts: Floats) -> tuple[Floats, tuple[str, ...]]:
    """More than half bad of 30 requests or more, and more than twice the champion's share."""
    guard = state.guard + counts
    full = guard[:, 2] >= GUARD_REQUESTS
    if not (full & plan.streams.rates & (2 * guard[:, 3] > guard[:, 2])).any():
        return np.where(full[:, None], 0.0, guard), ()
    n_s, y_s, n_c, y_c = guard.T
    broken = full & plan.streams.rates & (2 * y_c > n_c) & (y_c * n_s >= 2 * y_s * n_c)
    texts = [
        f"{m.name}: {int(guard[i, 3]):,} of {int(guard[i, 2]):,} canary requests at once"
        for m, i in zip(plan.streams.metrics, plan.streams.starts, strict=True)
        if broken[i]
    ]
    return np.where(full[:, None], 0.0, guard), tuple(texts)


def _ratio(plan: CanaryPlan, state: JudgeState, block: Block) -> Floats:
    if block.weight is None or not 0 < block.weight < 100 or plan.unseen:
        return state.mismatch
    found = mismatch.log_increment(
        block.stable.requests, block.canary.requests, block.weight, plan.largest_imbalance
    )
    # entities are assigned, not requests: so many of these say as much as one draw
    drawn = plan.requests_per_entity if plan.assignment is Assignment.STICKY else 1.0
    return state.mismatch + found / drawn


def _uncounted(plan: CanaryPlan, state: JudgeState, block: Block) -> dict[str, Any]:
    """The sums of what is not counted as shares: labelled pairs, losses, values."""
    if len(plan.streams.metrics) == len(plan.metrics):
        return {}
    return {
        "paired": _added(plan, Evidence.PAIRED, state.paired, block.paired, PairedSums),
        "losses": _added(plan, Evidence.LOSS, state.losses, block.losses, MomentSums),
        "stable_values": _valued(plan, state.stable_values, block.stable),
        "canary_values": _valued(plan, state.canary_values, block.canary),
    }


def _valued(
    plan: CanaryPlan, so_far: Mapping[str, MomentSums], arm: Arm
) -> Mapping[str, MomentSums]:
    values: Mapping[str, Moments] = arm.values
    return _added(plan, Evidence.VALUE, so_far, values, MomentSums)


def _added(
    plan: CanaryPlan,
    kind: Evidence,
    so_far: Mapping[str, Sums],
    more: Mapping[str, object],
    start: Callable[[], Sums],
) -> Mapping[str, Sums]:
    names = [m.name for m in plan.metrics if m.kind is kind and m.name in more]
    return {**so_far, **{n: so_far.get(n, start()).plus(more[n]) for n in names}}  # type: ignore[arg-type]
