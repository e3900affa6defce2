"""Blocks of a canary, drawn with a seed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from timonel.canary import Arm, Block, CanaryJudge, CanaryPlan, Decision, Metric

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ERRORS = Metric("errors", margin=0.002, base_rate=0.005, noise=0.0)


def block(i: int, stable: Arm, canary: Arm, **more: Any) -> Block:
    """The i-th minute."""
    return Block(AT + i * MINUTE, AT + (i + 1) * MINUTE, stable, canary, **more)


def blocks(
    n: int, canary_rate: float = 0.005, share: float = 0.05, seed: int = 0, **more: Any
) -> Iterator[Block]:
    """Minutes of 3,000 requests, the champion's error rate 0.5 %."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        yield drawn(i, canary_rate, share, rng, **more)


def drawn(i: int, canary_rate: float, share: float, rng: np.random.Generator, **more: Any) -> Block:
    """One such minute."""
    n_c = int(rng.binomial(3000, share))
    n_s = 3000 - n_c
    stable = Arm(n_s, {"errors": int(rng.binomial(n_s, 0.005))})
    return block(i, stable, Arm(n_c, {"errors": int(rng.binomial(n_c, canary_rate))}), **more)


def routed(plan: CanaryPlan, canary_rate: float, seed: int) -> Decision:
    """A release whose route follows the judge's weight, to its end."""
    rng, judge = np.random.default_rng(seed), CanaryJudge(plan)
    for i in range(plan.max_blocks):
        weight = judge.decision().weight
        found = judge.update(drawn(i, canary_rate, weight / 100, rng, weight=weight))
        if found.final:
            break
    return found
