"""Where a rollout stands and what it waits for, in words."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from timonel.config.releasing import Release
from timonel_pipelines.rollout.record.state import Phase, State


def story(state: State, release: Release, driven: bool, reasons: Sequence[str]) -> str:
    """The answer of `timonel rollout status`.

    Args:
        driven: whether a command drives it now.
        reasons: of the last block, while there is no verdict.
    """
    lines = [
        f"rollout   {state.id}: version {state.challenger.number} for {state.champion.number}",
        f"phase     {state.phase.value}, {state.verdict.value}, {state.blocks} blocks",
        f"strategy  {state.strategy.value}",
        f"weight    {state.weight} %",
        *(f"          {reason}" for reason in state.reasons or reasons),
        *(f"waits     {what}" for what in _waits(state, release, driven)),
    ]
    return "\n".join(lines)


def _waits(state: State, release: Release, driven: bool) -> Iterator[str]:
    if state.phase is Phase.ENDED:
        return
    if state.phase is Phase.RUNNING:
        yield "for evidence: it is judged at the end of each block"
    if state.phase is Phase.APPROVAL and state.block_end is not None:
        until = _utc(state.block_end + release.approval_within)
        yield f"for timonel rollout approve, until {until}; timonel rollout abort ends it"
    if state.phase is Phase.HOLDING and state.released is not None:
        until = _utc(state.released + release.hold)
        yield (
            f"version {state.challenger.number} is champion, version {state.champion.number} stays warm "
            f"until {until}; timonel rollout abort goes back to it"
        )
    if not driven:
        yield "for somebody to drive it: timonel rollout start --resume"


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
