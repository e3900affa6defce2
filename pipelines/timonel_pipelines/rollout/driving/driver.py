"""The driver: takes one rollout from phase to phase. Each phase may be entered again after a crash.

What will be done is written before it is done, and each thing that is done may be done twice: so a driver
that was killed at any moment is taken up by another one.
"""

from collections.abc import Callable

from timonel.canary import Verdict
from timonel.errors import Busy, Unavailable
from timonel_pipelines.rollout.driving.drive import Drive
from timonel_pipelines.rollout.driving.holding import give_back, hold
from timonel_pipelines.rollout.driving.judging import judge_block, start
from timonel_pipelines.rollout.driving.releasing import await_approval, promote, withdraw
from timonel_pipelines.rollout.driving.routing import catch_up
from timonel_pipelines.rollout.record.state import Phase, State

PHASES: dict[Phase, Callable[[Drive], None]] = {
    Phase.STARTING: start,
    Phase.RUNNING: judge_block,
    Phase.APPROVAL: await_approval,
    Phase.PROMOTING: promote,
    Phase.HOLDING: hold,
    Phase.RETURNING: give_back,
    Phase.WITHDRAWING: withdraw,
}
UNDECIDED = (Phase.STARTING, Phase.RUNNING, Phase.APPROVAL)


class Driver(Drive):
    """Drives one rollout to its end."""

    def run(self) -> State:
        """Go on from wherever it stands; the state at its end."""
        self.parts.chain.claim(self.state.challenger.number)
        catch_up(self)
        while self.state.phase is not Phase.ENDED:
            try:
                PHASES[self.state.phase](self)
            except (Busy, Unavailable) as error:
                if self.state.phase not in UNDECIDED:
                    raise
                # whoever has the turn now decides what serves
                self.give_up(Verdict.INCONCLUSIVE, error.message, hands_off=isinstance(error, Busy))
        return self.state
