"""How canaries that are as good as the champion fare under a plan, before there is any traffic."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from timonel.canary.bernoulli import Floats

if TYPE_CHECKING:
    from timonel.canary.plan import CanaryPlan

FARTHEST, LONGEST = 100, 20_000
"""Times max_blocks, and blocks, up to which it is said what would suffice."""
RUNS = 500
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Growth:
    """How the log e-value of one metric grows in a block, by step of the traffic."""

    mean: Floats
    variance: Floats
    bar: float
    """What it must reach, the price of the mixture included."""


def horizon(plan: "CanaryPlan") -> int:
    """Blocks that are looked ahead."""
    return max(plan.max_blocks, min(FARTHEST * plan.max_blocks, LONGEST))


@dataclass(frozen=True)
class Course:
    """How equal canaries fare whose evidence grows as a normal sum; NEVER for what does not come."""

    promoted: NDArray[np.int64]
    """The block that promotes each, (runs,)."""
    shown: NDArray[np.int64]
    """The block that shows each metric harmless, (runs, metrics)."""
    requests: Floats
    """Of the canary by the end of each block, in the mean, (blocks,)."""


def played(plan: "CanaryPlan", growths: list[Growth], requests: float) -> Course:
    """Play the steps of the traffic as `CanaryJudge` raises them, with evidence drawn block by block."""
    rng, runs = np.random.default_rng(0), np.arange(RUNS)
    mean, sd = (
        np.array([g.mean for g in growths]).T,
        np.array([g.variance for g in growths]).T ** 0.5,
    )
    bars, last = np.array([g.bar for g in growths]), plan.last_step
    share = np.ones(len(plan.steps)) if plan.unseen else np.array(plan.steps) / 100
    log_e, step, held = np.zeros((RUNS, len(growths))), 0 * runs, 0 * runs
    had, total = np.zeros(RUNS), []
    promoted, shown = np.full(RUNS, NEVER), np.full(log_e.shape, NEVER)
    for block in range(1, horizon(plan) + 1):
        log_e += mean[step] + sd[step] * rng.normal(size=log_e.shape)
        held, had = held + 1, had + requests * share[step]
        total.append(float(had.mean()))
        shown[(log_e >= bars) & (shown == NEVER)] = block
        ready = (held >= plan.hold_blocks) & (log_e >= bars * (step[:, None] + 1) / (last + 1)).all(
            1
        )
        promoted[ready & (step == last) & (had >= plan.min_requests) & (promoted == NEVER)] = block
        rises = ready & (step < last)
        step, held = step + rises, np.where(rises, 0, held)
        if (promoted < NEVER).all():
            break
    return Course(promoted, shown, np.array(total))
