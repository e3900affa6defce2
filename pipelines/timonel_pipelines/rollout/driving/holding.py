"""After an immediate change: the predecessor stays warm for a while, and takes all requests back at once."""

from dataclasses import replace

from timonel.canary import CanaryJudge, CanaryPlan, Decision, Verdict
from timonel.canary.record.reading import Step
from timonel_components.register import CHAMPION
from timonel_pipelines.rollout.driving.drive import Drive, now
from timonel_pipelines.rollout.driving.observing import next_block
from timonel_pipelines.rollout.driving.routing import change_weight, clear_away

FOR_EVER = 1_000_000


def watching(plan: CanaryPlan) -> CanaryPlan:
    """The plan of a version that was promoted already: what is left to find is harm."""
    metrics = [replace(m, margin=None) for m in plan.metrics]
    return replace(plan, metrics=tuple(metrics), max_blocks=FOR_EVER)


def hold(drive: Drive) -> None:
    """One block of the hold; the first time all requests go to the new version before."""
    state, plan = drive.state, watching(drive.parts.plan)
    if state.released is None:
        change_weight(drive, 100)
        released = now()
        drive.say(
            Step.HOLDING,
            f"all requests to version {state.challenger.number}; version {state.champion.number} stays "
            f"warm until {released + drive.parts.hold:%Y-%m-%d %H:%M:%S} UTC",
        )
        drive.keep(released=released, judge=CanaryJudge(plan).state(), block_end=released)
        return
    decision = next_block(drive, plan)
    if decision is None:
        return
    if decision.verdict is Verdict.ROLLBACK:
        _harmed(drive, decision)
    elif now() >= state.released + drive.parts.hold:
        clear_away(drive, state.challenger.number, state.champion.number)
        drive.end(f"promoted: champion is now version {state.challenger.number}")


def _harmed(drive: Drive, decision: Decision) -> None:
    drive.say(
        Step.RETURNING,
        f"harm after the change: {'; '.join(decision.reasons)}",
        decision=decision.to_dict(),
    )
    drive.give_up(Verdict.ROLLBACK, decision.reasons[0])


def give_back(drive: Drive) -> None:
    """All requests and the alias go back to the predecessor; the alias only from where it was put."""
    state, parts = drive.state, drive.parts
    parts.stand.open()
    parts.stand.serve(state.champion)
    change_weight(drive, 0)
    parts.chain.require()
    parts.registry.aliases.move(CHAMPION, state.challenger.number, state.champion.number)
    clear_away(drive, state.champion.number, state.challenger.number)
    drive.end(
        f"{state.verdict.value}: champion is version {state.champion.number} again, version "
        f"{state.challenger.number} was it since {state.released or now():%H:%M:%S}"
    )
