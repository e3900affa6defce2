"""Many runs of the judge at once: the same arithmetic as `CanaryJudge`, an array axis more."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.canary import counted
from timonel.canary.history import learnt
from timonel.canary.plan import CanaryPlan
from timonel.canary.simulate.traffic import Drawn
from timonel.canary.streams import PRIOR_EVENTS

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Played:
    """The block, counted from 1, in which each run ended; NEVER where it did not, (runs,)."""

    rollback: NDArray[np.int64]
    promote: NDArray[np.int64]
    """If harm was not found before."""

    @property
    def rolled_back(self) -> float:
        """Share of the runs."""
        return float((self.rollback < NEVER).mean())

    @property
    def promoted(self) -> float:
        """Share of the runs."""
        return float((self.promote < NEVER).mean())


def play(plan: CanaryPlan, drawn: Drawn, history: Drawn | None = None) -> Played:
    """Judge runs by the first metric of a plan, at the share of the traffic that was drawn.

    Args:
        plan: its first metric gives margins and bars.
        history: counts of the champion against itself before the start, of the same runs: base rates and
            noise are learnt from it, run by run. Without it they are learnt on the way.
    """
    streams = plan.streams
    runs = drawn.runs
    state, known = counted.Counted.start(streams, (runs,)), None
    if history is not None:
        known, rates = learnt(history.counts, streams.ratio)
        n = PRIOR_EVENTS / rates
        state = counted.Counted(
            np.stack([n * rates, n], axis=-1), *list(state.arrays().values())[1:]
        )
    harm_bar, safe_bar = np.log(plan.harm_bar(plan.metrics[0].name)), np.log(plan.safe_bar)
    back, go = np.full(runs, NEVER), np.full(runs, NEVER)
    for block, counts in enumerate(drawn.counts, start=1):
        state = counted.fold(streams, state, counts, known)
        harmed = counted.harm_by_metric(streams, state)[:, 0] >= harm_bar
        back = np.where(harmed & (back == NEVER) & (go == NEVER), block, back)
        if len(streams.safe_at):
            safe = counted.safe_by_metric(state)[:, 0] >= safe_bar
            go = np.where(safe & (back == NEVER) & (go == NEVER), block, go)
    return Played(back, go)
