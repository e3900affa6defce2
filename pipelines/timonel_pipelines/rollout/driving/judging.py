"""Begins a rollout, and judges it block by block."""

from timonel.canary import CanaryJudge, Decision, Verdict, evidence_course
from timonel.canary.record.reading import Step
from timonel.terms import Strategy
from timonel_pipelines.rollout.driving.drive import Drive, now
from timonel_pipelines.rollout.driving.observing import next_block
from timonel_pipelines.rollout.driving.routing import change_weight, route, serve, untouched
from timonel_pipelines.rollout.record.state import Phase


def start(drive: Drive) -> None:
    """Serve both versions and give the challenger its first requests, or copies of them."""
    state, stand, plan = drive.state, drive.parts.stand, drive.parts.plan
    stand.open()
    serve(drive, renew=True)
    route(drive, 0)
    stand.stop_others(state.champion.number, state.challenger.number)
    weight = plan.weight_at(0)
    gets = "a copy of each request" if plan.unseen else f"{weight} % of the requests"
    drive.say(
        Step.STARTED,
        f"version {state.challenger.number} beside version {state.champion.number}, {gets}",
        champion=state.champion.model_dump(mode="json"),
        challenger=state.challenger.model_dump(mode="json"),
        strategy=plan.strategy.value,
        weight=weight,
        requests_per_block=state.requests_per_block,
        learnt=state.learnt,
    )
    change_weight(drive, weight)
    totals = drive.parts.counts.since(state.counted_from)
    judge = CanaryJudge(plan).state()
    begin = now()
    drive.keep(phase=Phase.RUNNING, totals=totals, judge=judge, judged_from=begin, block_end=begin)


def judge_block(drive: Drive) -> None:
    """Wait for the end of a block, judge it, and do as the judge says."""
    decision = next_block(drive, drive.parts.plan)
    if decision is None:
        return
    if decision.final or decision.verdict is Verdict.INCONCLUSIVE:
        # harm is mended whoever set the weights; anything else leaves to people what they set
        if decision.verdict is Verdict.ROLLBACK or untouched(drive):
            _judged(drive, decision)
    elif decision.weight != drive.state.weight and untouched(drive):
        drive.say(
            Step.WEIGHT,
            f"{decision.weight} % of the requests after {decision.blocks} blocks",
            weight=decision.weight,
            decision=decision.to_dict(),
        )
        change_weight(drive, decision.weight)


def _judged(drive: Drive, decision: Decision) -> None:
    state = drive.state
    drive.say(
        Step.JUDGED,
        f"{decision.verdict.value} after {decision.blocks} blocks: {'; '.join(decision.reasons)}",
        champion_digest=state.champion.digest,
        challenger_digest=state.challenger.digest,
        data=state.challenger.data,
        decision=decision.to_dict(),
        course=evidence_course(list(drive.store.decisions())),
    )
    drive.keep(
        phase=_next(drive, decision.verdict),
        verdict=decision.verdict,
        reasons=decision.reasons,
        block_end=now(),
    )


def _next(drive: Drive, verdict: Verdict) -> Phase:
    """A shadow changes nothing, whatever the verdict."""
    if verdict is not Verdict.PROMOTE or drive.parts.plan.strategy is Strategy.SHADOW:
        return Phase.WITHDRAWING
    return Phase.PROMOTING if drive.parts.approval_within is None else Phase.APPROVAL
