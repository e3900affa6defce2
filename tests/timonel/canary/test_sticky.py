"""Entities that stay with a version: fewer draws than requests, in evidence and in the sample ratio."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from timonel.canary import Arm, Block, CanaryJudge, CanaryPlan, Metric
from timonel.config import Config
from timonel.terms import Assignment

BEGIN, MINUTE = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=1)
RUNS, ENTITIES, BLOCKS = 200, 300, 40
PLAN = CanaryPlan(
    [Metric("errors", margin=0.2, base_rate=0.01, noise=0.0)],
    steps=(50,),
    max_blocks=BLOCKS,
    min_requests=10**6,
    assignment=Assignment.STICKY,
)


def blocks(rng: np.random.Generator, weight: float = 0.5) -> tuple[list[Block], float]:
    """Entities drawn to a version each, a few of them heavy users; and their requests an entity."""
    sizes = np.ceil(rng.lognormal(2.5, 0.8, ENTITIES)).astype(int)
    canary = rng.random(ENTITIES) < weight
    when = rng.integers(0, BLOCKS, sizes.sum())
    to_canary = np.repeat(canary, sizes)
    counts = [np.bincount(when[mask], minlength=BLOCKS) for mask in (~to_canary, to_canary)]
    return list(_blocks(*counts)), float((sizes**2).mean() / sizes.mean())


def _blocks(stable: np.ndarray, canary: np.ndarray) -> Iterator[Block]:
    for i, (s, c) in enumerate(zip(stable.tolist(), canary.tolist(), strict=True)):
        arms = Arm(s, {"errors": 0}), Arm(c, {"errors": 0})
        yield Block(BEGIN + i * MINUTE, BEGIN + (i + 1) * MINUTE, *arms, weight=50)


def stopped(plan: CanaryPlan, found: list[Block]) -> bool:
    """Whether the run was called a mismatch."""
    return "mismatch" in CanaryJudge(plan).replay(found).reasons[0]


def test_entities_are_no_sample_ratio_mismatch() -> None:
    """Drawn at the odds that were set: at most 1 of 200 runs is stopped, many if requests were the draws."""
    rng = np.random.default_rng(7)
    alarms = naive = 0
    for _ in range(RUNS):
        found, each = blocks(rng)
        alarms += stopped(replace(PLAN, requests_per_entity=each), found)
        naive += stopped(PLAN, found)
    assert alarms <= 1
    assert naive > 10


def test_entities_at_other_odds_are_one() -> None:
    """Set to 50 %, drawn at 80 %: it is still seen."""
    rng = np.random.default_rng(8)
    caught = 0
    for _ in range(20):
        found, each = blocks(rng, 0.8)
        caught += stopped(replace(PLAN, requests_per_entity=each), found)
    assert caught >= 18


def test_the_settings_of_entities_reach_the_evidence() -> None:
    """Twenty requests an entity, a tenth alike: what is counted is divided by what they widen."""
    section = {"requests_per_entity": 21, "entity_correlation": 0.1}
    base = {"model": {"name": "m", "task": "binary"}, "data": {"source": "x.csv", "target": "y"}}
    by_request = CanaryPlan.from_config(Config.model_validate(base | {"rollout": section}))
    sticky = replace(by_request, assignment=Assignment.STICKY)
    counts = np.array([[500.0, 5, 500, 5]])
    assert by_request.streams.design_effect(counts)[0] == 1 + 2.0 * 2 * 0.5 * 0.5
    assert sticky.streams.design_effect(counts)[0] == 3.0
