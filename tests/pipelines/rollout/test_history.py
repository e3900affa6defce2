"""What is known before a rollout starts: base rates from the monitor, noise from earlier rollouts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from timonel.canary import Arm, Block, CanaryJudge, CanaryPlan, Metric, Verdict
from timonel_pipelines.rollout.evidence.history import earlier_blocks, learnt
from timonel_pipelines.rollout.record.state import Phase, Rollouts, State
from timonel_pipelines.rollout.route.stand import Version

AT, MINUTE = datetime(2026, 3, 2, tzinfo=UTC), timedelta(minutes=1)
PLAN = CanaryPlan([Metric("errors", margin=0.002), Metric("nulls", margin=0.002)])


def history(noise: float, n: int = 400, seed: int = 3) -> list[Block]:
    """Blocks of two equal versions, each with noise of its own that lasts."""
    rng, own, made = np.random.default_rng(seed), np.zeros(2), []
    for i in range(n):
        own = 0.8 * own + 0.6 * rng.normal(size=2)
        rates = 0.01 * np.exp(noise * own)
        arms = [Arm(3000, {"errors": int(rng.binomial(3000, rate))}) for rate in rates]
        made.append(Block(AT + i * MINUTE, AT + (i + 1) * MINUTE, *arms))
    return made


def test_noise_comes_from_versions_that_served_side_by_side() -> None:
    """Restless processes give more noise than calm ones; a metric that no block reports stays cautious."""
    calm, restless = (learnt(PLAN, {"errors": 0.01}, history(x)) for x in (0.0, 0.5))
    assert restless.said["noise"]["errors"] > 10 * calm.said["noise"]["errors"]
    assert calm.said["noise_learnt_on_the_way"] == ["nulls"]
    assert calm.said["base_rates"] == {"errors": 0.01}
    assert [m.base_rate for m in calm.plan.metrics] == [0.01, None]
    assert calm.said["blocks"] == 400


def test_what_is_set_stays_and_little_teaches_nothing() -> None:
    """Below 60 blocks noise is learnt on the way; a base rate or noise of the settings is not replaced."""
    known = CanaryPlan([Metric("errors", margin=0.002, noise=0.3, base_rate=0.02)])
    found = learnt(known, {"errors": 0.5}, history(0.0))
    assert found.plan.metrics == known.metrics
    assert found.said["noise"] == {}
    short = learnt(PLAN, {}, history(0.5, n=59))
    assert short.plan.metrics == PLAN.metrics


def test_what_hardly_happens_shows_nothing_of_its_noise() -> None:
    """Of a rate with a handful of bad requests noise stays to be learnt, and so does that of scores."""
    quiet = [replace(b, stable=Arm(3000, {"errors": 0})) for b in history(0.0)]
    rare = [replace(b, canary=Arm(3000, {"errors": int(i < 5)})) for i, b in enumerate(quiet)]
    edges = tuple(x / 10 for x in range(1, 10))
    plan = CanaryPlan(
        [Metric("errors", margin=0.002), Metric("scores", kind="scores", edges=edges)]
    )
    found = learnt(plan, {}, rare)
    assert found.said["noise"] == {}
    assert found.said["noise_learnt_on_the_way"] == ["errors", "scores"]


def test_only_blocks_of_rollouts_that_promoted_teach(tmp_path: Path) -> None:
    """Those of a rollback differ by harm, not by noise; blocks of another length are another measure."""
    version = Version(number="1", digest="d", package="p", data="t")
    rollouts, told = Rollouts(tmp_path), history(0.0, n=3)
    for name, verdict in (("a", Verdict.PROMOTE), ("b", Verdict.ROLLBACK), ("c", Verdict.PROMOTE)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "state.json").write_text("{}")
        store = rollouts.store(name)
        judge = CanaryJudge(PLAN)
        for number, block in enumerate(told, start=1):
            store.add_block(number, block, judge.decision())
        store.save(
            State(
                id=name,
                model="m",
                champion=version,
                challenger=version,
                requests_per_block=1,
                phase=Phase.ENDED,
                verdict=verdict,
                weight_since=AT,
                counted_from=AT,
            )
        )
    assert len(earlier_blocks(rollouts, MINUTE)) == 6
    assert earlier_blocks(rollouts, 10 * MINUTE) == []
