"""What serves during a rollout, and which requests reach it."""

import time
from collections.abc import Mapping

from timonel.canary import Verdict
from timonel.canary.record.reading import Step
from timonel.errors import TimonelError, Unavailable
from timonel_pipelines.rollout.driving.drive import Drive, now
from timonel_pipelines.rollout.record.state import Phase
from timonel_pipelines.rollout.route.stand import SETTLE

BESIDE = (Phase.RUNNING, Phase.APPROVAL, Phase.PROMOTING, Phase.HOLDING)
"""Phases in which both versions serve."""


def mirrored(drive: Drive) -> str | None:
    """The version that gets a copy of each request now.

    Of a plan whose judging nobody sees that is the challenger, and its predecessor once they have changed
    places.
    """
    state = drive.state
    if not drive.parts.plan.unseen or state.phase not in (Phase.STARTING, *BESIDE):
        return None
    return (state.champion if state.phase is Phase.HOLDING else state.challenger).number


def catch_up(drive: Drive) -> None:
    """After a crash: finish a change of the weights that was under way."""
    state, stand = drive.state, drive.parts.stand
    if state.phase not in BESIDE:
        return
    stand.open()
    actual = _weight_in(drive, stand.router.in_force().weights)
    serve(drive)
    if actual in (state.weight, state.weight_before):
        route(drive, state.weight)
        drive.keep(weight_before=state.weight, weight_since=now())


def serve(drive: Drive, *, renew: bool = False) -> None:
    """Both versions answer; `renew` gives the champion a process as young as the challenger's."""
    state, stand = drive.state, drive.parts.stand
    if renew and _outworn(drive):
        drive.tell("champion", "a younger process takes over, for a fair comparison")
        stand.renew(state.champion)
    if stand.serve(state.champion) and not renew:
        drive.say(Step.RESTARTED, f"version {state.champion.number} was started anew")
    if stand.serve(state.challenger) and not renew:
        drive.keep(restarts=state.restarts + 1)
        drive.say(Step.RESTARTED, f"version {state.challenger.number} was started anew")


def _outworn(drive: Drive) -> bool:
    """Whether the champion's process is too old to be compared with a new one."""
    number, age = drive.state.champion.number, drive.parts.plan.baseline_age
    known = drive.parts.stand.standing.predictors.get(number)
    if age is None or known is None or not known.child.alive:
        return False
    return now() - known.child.started > age


def route(drive: Drive, weight: int) -> None:
    """Have the challenger get this part of the requests, in percent; and copies go where they should."""
    champion, challenger = drive.state.champion.number, drive.state.challenger.number
    weights = {champion: 100 - weight, challenger: weight}
    drive.parts.stand.route(weights, mirrored(drive))


def change_weight(drive: Drive, weight: int) -> None:
    """The same, written down before and after."""
    drive.keep(weight=weight, weight_before=drive.state.weight)
    route(drive, weight)
    drive.keep(weight_before=weight, weight_since=now())
    copied = mirrored(drive)
    drive.tell(
        "weight",
        f"{weight} % of the requests to version {drive.state.challenger.number}"
        f"{f', a copy of each to version {copied}' if copied else ''}",
    )


def untouched(drive: Drive) -> bool:
    """Whether the weights and copies in force are those that were set; else nothing is touched any more."""
    weight = drive.state.weight
    try:
        found = drive.parts.stand.router.in_force()
    except Unavailable:
        return True  # a router that is down is started again with the block
    if _weight_in(drive, found.weights) == weight and found.mirrored == mirrored(drive):
        return True
    copied = mirrored(drive)
    drive.give_up(
        Verdict.INCONCLUSIVE,
        f"somebody changed the weights: {found}; expected {weight} % for version "
        f"{drive.state.challenger.number}{f' and copies to version {copied}' if copied else ''}. "
        "They are left so",
        hands_off=True,
    )
    return False


def _weight_in(drive: Drive, weights: Mapping[str, int]) -> int | None:
    """The challenger's weight; None if the two do not share all requests."""
    found = dict(weights)
    weight = found.pop(drive.state.challenger.number, 0)
    rest = found.pop(drive.state.champion.number, 0)
    return None if any(found.values()) or weight + rest != 100 else weight


def revive(drive: Drive) -> None:
    """Start again what has died; the router sends a version nothing while it is away."""
    state, stand = drive.state, drive.parts.stand
    dead = [v for v in (state.champion, state.challenger) if not stand.alive(v.number)]
    router = stand.standing.router
    if not dead and router is not None and router.alive:
        return
    try:
        stand.open()
        serve(drive)
        route(drive, state.weight)
        # the router sent the other version all of it meanwhile: that is no mismatch of the split
        drive.keep(weight_since=now())
    except TimonelError as error:
        drive.tell("restart", f"failed: {error.message}")


def clear_away(drive: Drive, stays: str, goes: str) -> None:
    """Take a version that gets no more requests from the router, and stop it."""
    time.sleep(SETTLE)
    drive.parts.stand.route({stays: 100})
    drive.parts.stand.stop(goes)
