"""Ends a rollout: the challenger is approved and becomes champion, or is withdrawn."""

from datetime import timedelta

from timonel.canary import Verdict
from timonel.canary.record.reading import Step
from timonel.errors import Busy, Corrupt
from timonel.terms import Strategy
from timonel_pipelines.rollout.driving.drive import Drive, now
from timonel_pipelines.rollout.driving.routing import change_weight, clear_away, revive, untouched
from timonel_pipelines.rollout.driving.waiting import GLANCE, waited
from timonel_pipelines.rollout.promotion import registry
from timonel_pipelines.rollout.record.state import Phase


def await_approval(drive: Drive) -> None:
    """Look once whether somebody has approved; give up when nobody did in time."""
    within, state = drive.parts.approval_within, drive.state
    assert state.block_end is not None
    approval = drive.store.noted("approval")
    if approval is not None and approval["challenger"] == state.challenger.digest:
        drive.say(Step.APPROVED, "the promotion was approved", by=approval["by"])
        drive.keep(phase=Phase.PROMOTING)
    elif within is not None and now() > state.block_end + within:
        drive.give_up(Verdict.INCONCLUSIVE, "nobody approved the promotion in time")
    elif waited(drive, now() + timedelta(seconds=GLANCE)):
        revive(drive)


def promote(drive: Drive) -> None:
    """Bound to what was judged: the digests, the alias, the weights and the turn are looked at again."""
    state, parts = drive.state, drive.parts
    if not untouched(drive):
        return
    try:
        parts.chain.require()
        parts.registry.require_unchanged(state.champion, state.challenger)
        drive.say(
            Step.PROMOTING,
            f"champion becomes version {state.challenger.number}, was {state.champion.number}",
            champion_digest=state.champion.digest,
            challenger_digest=state.challenger.digest,
        )
        registry.promote(parts.registry, state.champion, state.challenger)
    except (Busy, Corrupt) as error:
        drive.give_up(Verdict.INCONCLUSIVE, f"not promoted: {error.message}")
        return
    if parts.plan.strategy is Strategy.BLUE_GREEN:
        drive.keep(phase=Phase.HOLDING)
        return
    change_weight(drive, 100)
    clear_away(drive, state.challenger.number, state.champion.number)
    drive.end("promoted: champion is now version " + state.challenger.number)


def withdraw(drive: Drive) -> None:
    """All requests go to the champion again, unless somebody else set the weights."""
    state, stand = drive.state, drive.parts.stand
    if not state.hands_off:
        stand.open()
        stand.serve(state.champion)
        challenger = stand.standing.predictors.get(state.challenger.number)
        if challenger is not None and challenger.url:
            change_weight(drive, 0)
        clear_away(drive, state.champion.number, state.challenger.number)
    shadow = "shadow, " if state.strategy is Strategy.SHADOW else ""
    still, serves = ("now", state.challenger) if state.released else ("still", state.champion)
    drive.end(f"{shadow}{state.verdict.value}: champion is {still} version {serves.number}")
