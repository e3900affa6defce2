"""Begins a rollout, and judges it block by block."""

from dataclasses import replace
from datetime import datetime

from timonel.canary import CanaryJudge, Decision, Verdict, evidence_course
from timonel_pipelines.rollout.driving.drive import Drive, now
from timonel_pipelines.rollout.driving.routing import (
    change_weight,
    revive,
    route,
    serve,
    untouched,
)
from timonel_pipelines.rollout.driving.waiting import waited
from timonel_pipelines.rollout.evidence.blocks import Observed, observe
from timonel_pipelines.rollout.record.reading import Step
from timonel_pipelines.rollout.record.state import Phase


def start(drive: Drive) -> None:
    """Serve both versions and give the challenger its first requests."""
    state, stand = drive.state, drive.parts.stand
    stand.open()
    serve(drive, renew=True)
    route(drive, 0)
    stand.stop_others(state.champion.number, state.challenger.number)
    weight = drive.parts.plan.weight_at(0)
    drive.say(
        Step.STARTED,
        f"version {state.challenger.number} beside version {state.champion.number}, "
        f"{weight} % of the requests",
        champion=state.champion.model_dump(mode="json"),
        challenger=state.challenger.model_dump(mode="json"),
        weight=weight,
        requests_per_block=state.requests_per_block,
        learnt=state.learnt,
    )
    change_weight(drive, weight)
    totals = drive.parts.counts.since(state.counted_from)
    judge = CanaryJudge(drive.parts.plan).state()
    drive.keep(phase=Phase.RUNNING, totals=totals, judge=judge, block_end=now())


def judge_block(drive: Drive) -> None:
    """Wait for the end of a block, judge it, and do as the judge says."""
    state, plan = drive.state, drive.parts.plan
    assert state.block_end is not None
    if not waited(drive, state.block_end + plan.block):
        return
    revive(drive)
    judge = CanaryJudge.restore(plan, drive.state.judge)
    seen = _observed(drive)
    decision = judge.update(seen.block)
    _record(drive, seen, decision, judge)
    if decision.final or decision.verdict is Verdict.INCONCLUSIVE:
        _judged(drive, decision)
    elif decision.weight != drive.state.weight and untouched(drive):
        drive.say(
            Step.WEIGHT,
            f"{decision.weight} % of the requests after {decision.blocks} blocks",
            weight=decision.weight,
            decision=decision.to_dict(),
        )
        change_weight(drive, decision.weight)


def _observed(drive: Drive) -> Observed:
    """What both versions did, and what they say of the same logged rows."""
    state, parts = drive.state, drive.parts
    seen = observe(state, parts.plan, parts.counts, _started(drive), parts.lag)
    if parts.behaviour is None or state.replay_from is None:
        return seen
    found, replayed = parts.behaviour.since(state.replay_from, state.replayed)
    if found.problem is not None:
        drive.tell("replay", f"failed: {found.problem}")
    return replace(seen, block=found.joined(seen.block), replayed=replayed)


def _record(drive: Drive, seen: Observed, decision: Decision, judge: CanaryJudge) -> None:
    number = drive.state.blocks + 1
    drive.store.add_block(number, seen.block, decision)
    drive.keep(
        blocks=number,
        totals=seen.totals,
        replayed=seen.replayed,
        block_end=seen.block.end,
        judge=judge.state(),
        restarts=0,
    )
    drive.tell(
        f"block {number}",
        f"{seen.block.canary.requests:,} of "
        f"{seen.block.canary.requests + seen.block.stable.requests:,} requests; "
        f"{decision.verdict.value}: {decision.reasons[0] if decision.reasons else ''}",
    )


def _judged(drive: Drive, decision: Decision) -> None:
    verdict, state = decision.verdict, drive.state
    drive.say(
        Step.JUDGED,
        f"{verdict.value} after {decision.blocks} blocks: {'; '.join(decision.reasons)}",
        champion_digest=state.champion.digest,
        challenger_digest=state.challenger.digest,
        data=state.challenger.data,
        decision=decision.to_dict(),
        course=evidence_course(list(drive.store.decisions())),
    )
    phase = Phase.WITHDRAWING
    if verdict is Verdict.PROMOTE:
        phase = Phase.PROMOTING if drive.parts.approval_within is None else Phase.APPROVAL
    drive.keep(phase=phase, verdict=verdict, reasons=decision.reasons, block_end=now())


def _started(drive: Drive) -> dict[str, datetime]:
    known = drive.parts.stand.standing.predictors
    return {number: one.child.started for number, one in known.items()}
