"""False rollbacks, detections and promotions with intervals, as `timonel canary simulate` prints them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.canary.plan import CanaryPlan
from timonel.canary.simulate.played import NEVER, play
from timonel.canary.simulate.rivals import RULES
from timonel.canary.simulate.traffic import Drawn, Scenario, draw
from timonel.errors import BadInput
from timonel.performance.intervals import wilson
from timonel.performance.value import Measured
from timonel.terms import Evidence, Strategy

JUDGE = "timonel"


@dataclass(frozen=True)
class Rates:
    """How one rule does."""

    rule: str
    false_rollback: Measured
    """Share of equal canaries that are rolled back."""
    detected: Measured
    """Share of worse canaries that are rolled back."""
    median_delay: int | None
    """The block in which half of the worse canaries are; None if fewer ever are."""
    promoted: Measured | None = None
    """Share of equal canaries that are promoted; None for rules that do not say."""
    promoted_worse: Measured | None = None
    """Share of canaries worse by just the margin that are promoted."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values = ("false_rollback", "detected", "promoted", "promoted_worse")
        return asdict(self) | {
            n: m.to_dict() for n in values if (m := getattr(self, n)) is not None
        }


def compare(
    plan: CanaryPlan, scenario: Scenario, harm: float, runs: int, seed: int, history: int
) -> Iterator[Rates]:
    """The judge and the common rules on the same traffic.

    Args:
        plan: its first rate is played, held to its own part of alpha_harm.
        harm: the worse canary's rate over the champion's.
        history: blocks of the champion against itself before the start; 0 for none.
    """
    plan = alone(plan)
    rng = np.random.default_rng(seed)
    before = draw(replace(scenario, blocks=history, ramp=False), runs, rng) if history else None
    equal, worse = draw(scenario, runs, rng), draw(replace(scenario, harm=harm), runs, rng)
    margin = plan.metrics[0].margin
    same, bad = play(plan, equal, before), play(plan, worse, before)
    at_margin = None
    if margin is not None:
        limit = draw(replace(scenario, added=margin), runs, rng)
        at_margin = share(play(plan, limit, before).promote)
    yield Rates(
        JUDGE,
        share(same.rollback),
        share(bad.rollback),
        median(bad.rollback),
        share(same.promote) if margin is not None else None,
        at_margin,
    )
    yield from _rivals(scenario.base_rate, equal, worse)


def alone(plan: CanaryPlan) -> CanaryPlan:
    """The plan for its first rate, which keeps its part of alpha_harm."""
    rates = [m for m in plan.metrics if m.kind is Evidence.RATE and m.harms and m.ratio > 0]
    if not rates:
        raise BadInput("the plan has no metric of kind rate that can roll back: nothing to play")
    part = plan.alpha_harm * plan.weights[rates[0].name]
    return replace(plan, metrics=(rates[0],), alpha_harm=part, strategy=Strategy.CANARY)


def _rivals(base_rate: float, equal: Drawn, worse: Drawn) -> Iterator[Rates]:
    for name, rule in RULES.items():
        false, true = (rule(d.counts[:, :, 0], base_rate) for d in (equal, worse))
        yield Rates(name, share(false), share(true), median(true))


def share(ends: NDArray[np.int64]) -> Measured:
    """The share of runs that ended, with a 95 % interval."""
    value, n = float((ends < NEVER).mean()), len(ends)
    low, high = wilson(value, value * (1 - value) / n, n)
    return Measured(value, low, high, n)


def median(ends: NDArray[np.int64]) -> int | None:
    """The block by which half of the runs had ended."""
    middle = int(np.sort(ends)[(len(ends) - 1) // 2])
    return None if middle == NEVER else middle
