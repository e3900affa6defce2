"""Looks at both versions at the end of each block, and asks the judge what that means."""

from dataclasses import replace
from datetime import datetime

from timonel.canary import Block, CanaryJudge, CanaryPlan, Decision
from timonel.errors import BadInput
from timonel_pipelines.rollout.driving.drive import Drive
from timonel_pipelines.rollout.driving.routing import revive
from timonel_pipelines.rollout.driving.waiting import waited
from timonel_pipelines.rollout.evidence.blocks import Observed, observe
from timonel_pipelines.rollout.evidence.values import Figures, joined


def next_block(drive: Drive, plan: CanaryPlan) -> Decision | None:
    """Wait for the end of a block and judge it; None if the rollout came to another phase meanwhile."""
    assert drive.state.block_end is not None
    if not waited(drive, drive.state.block_end + plan.block):
        return None
    revive(drive)
    judge = CanaryJudge.restore(plan, drive.state.judge)
    seen, figures = _with_values(drive, _observed(drive, plan))
    decision = judge.update(seen.block)
    number = drive.state.blocks + 1
    drive.store.add_block(number, seen.block, decision)
    drive.keep(
        blocks=number,
        totals=seen.totals,
        replayed=seen.replayed,
        figures=figures,
        block_end=seen.block.end,
        judge=judge.state(),
        restarts=0,
    )
    _tell(drive, number, seen.block, decision)
    return decision


def _observed(drive: Drive, plan: CanaryPlan) -> Observed:
    """What both versions did, and what they say of the same logged rows."""
    state, parts = drive.state, drive.parts
    seen = observe(state, plan, parts.counts, _started(drive), parts.lag)
    if parts.lasting and state.weight != plan.weight_at(0):
        # whoever was there before the step stays where it was: the share lags behind the weight
        seen = replace(seen, block=replace(seen.block, weight=None))
    if parts.behaviour is None or state.replay_from is None:
        return seen
    found, replayed = parts.behaviour.since(state.replay_from, state.replayed)
    if found.problem is not None:
        drive.tell("replay", f"failed: {found.problem}")
    return replace(seen, block=found.joined(seen.block), replayed=replayed)


def _with_values(drive: Drive, seen: Observed) -> tuple[Observed, Figures]:
    """The same with business figures; a table that cannot be read makes metrics that failed."""
    state, values = drive.state, drive.parts.values
    if values is None:
        return seen, state.figures
    versions = (state.champion.number, state.challenger.number)
    try:
        found = values.since(state.judged_from or state.counted_from, versions)
    except BadInput as error:
        drive.tell("values", f"failed: {error.message}")
        failed = replace(seen.block, failed=(*seen.block.failed, *values.metrics))
        return replace(seen, block=failed), state.figures
    block, figures = joined(seen.block, versions, state.figures, found)
    return replace(seen, block=block), figures


def _started(drive: Drive) -> dict[str, datetime]:
    known = drive.parts.stand.standing.predictors
    return {number: one.child.started for number, one in known.items()}


def _tell(drive: Drive, number: int, block: Block, decision: Decision) -> None:
    drive.tell(
        f"block {number}",
        f"{block.canary.requests:,} of {block.canary.requests + block.stable.requests:,} requests; "
        f"{decision.verdict.value}: {decision.reasons[0] if decision.reasons else ''}",
    )
