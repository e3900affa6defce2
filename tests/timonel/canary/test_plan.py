"""The plan: what is refused before the start, and what a history teaches."""

from dataclasses import replace

import numpy as np
import pytest

from canaries import ERRORS, block, blocks
from timonel.canary import Arm, CanaryPlan, Metric
from timonel.config import Config
from timonel.errors import BadInput
from timonel.terms import Evidence

PLAN = CanaryPlan([ERRORS], steps=(5,), max_blocks=300)


def test_the_formula_of_the_literature_is_about_met() -> None:
    """Twice the errors: (ln 20 + ln 6) / (.005 (2 ln 2 - 1)) requests, 2,480 at 0.5 %, with few to spare."""
    row = PLAN.required_traffic(3000).metrics[0]
    assert row.harm_requests == pytest.approx(2480, rel=0.15)
    # known champion: (ln 20 + ln 3) / KL(.005 || .007), 12,900 in the mean, more for 9 of 10
    assert 12_900 < row.promote_requests < 3 * 12_900


def test_a_canary_that_cannot_be_decided_is_refused_and_told_what_would_do() -> None:
    """Too little traffic: the message has the blocks needed, and what it says suffices does."""
    with pytest.raises(BadInput, match="cannot be decided") as refused:
        PLAN.required_traffic(300)
    blocks_needed = int(str(refused.value).rsplit("max_blocks ", 1)[1].replace(",", ""))
    enough = replace(PLAN, max_blocks=blocks_needed)
    assert enough.required_traffic(300).blocks <= blocks_needed


def test_noise_and_repeated_entities_cost_traffic() -> None:
    """What widens the comparison is in the plan before the start."""
    alone = PLAN.required_traffic(6000).blocks
    noisy = PLAN.with_metrics([replace(ERRORS, noise=0.5)]).required_traffic(6000).blocks
    entities = replace(
        PLAN, requests_per_entity=20, entity_correlation=0.05, assignment="sticky"
    ).required_traffic(6000)
    assert noisy > alone
    assert entities.blocks > alone


def test_an_unknown_base_rate_is_asked_for() -> None:
    """How rare the event is decides how much traffic it takes: nothing is guessed."""
    plan = CanaryPlan([Metric("errors", margin=0.002)])
    with pytest.raises(BadInput, match="base rate of 'errors' is not known"):
        plan.required_traffic(3000)
    assert plan.required_traffic(3000, {"errors": 0.005}).blocks > 0


def test_a_history_teaches_base_rate_and_noise() -> None:
    """Calm traffic has no noise to speak of; wandering pods have, and all edges of a histogram."""
    plan = CanaryPlan([Metric("errors", margin=0.002)])
    calm = plan.learn(blocks(1000)).metrics[0]
    assert calm.base_rate == pytest.approx(0.005, rel=0.1)
    assert calm.noise[0] < 0.3
    rng = np.random.default_rng(0)
    u = np.zeros(2)
    made = []
    for i in range(1000):
        u = 0.9 * u + rng.normal(0, 0.13, 2)
        bad = [int(rng.binomial(n, 0.005 * np.exp(x))) for n, x in zip((2850, 150), u, strict=True)]
        made.append(block(i, Arm(2850, {"errors": bad[0]}), Arm(150, {"errors": bad[1]})))
    assert plan.learn(made).metrics[0].noise[0] > 0.7
    with pytest.raises(BadInput, match="at least 60"):
        plan.learn(blocks(59))


def test_the_settings_make_a_plan() -> None:
    """Defaults: errors, nulls and latency; what is set in rollout is in the plan."""
    base = {"model": {"name": "m"}, "data": {"source": "x.csv", "target": "y"}}
    plan = CanaryPlan.from_config(Config.model_validate(base))
    assert [m.name for m in plan.metrics] == ["errors", "nulls", "latency"]
    metrics = [{"name": "errors", "margin": 0.01, "weight": 3}, {"name": "slow", "weight": 1}]
    rollout = {"metrics": metrics, "max_blocks": 60, "strategy": "blue_green", "block": "5min"}
    plan = CanaryPlan.from_config(Config.model_validate(base | {"rollout": rollout}))
    assert plan.max_blocks == 60
    assert plan.unseen
    assert plan.harm_bar("errors") == pytest.approx(20 / 0.75)
    assert plan.block.total_seconds() == 300


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: CanaryPlan([]),
        lambda: CanaryPlan([ERRORS, ERRORS]),
        lambda: CanaryPlan([replace(ERRORS, weight=0)]),
        lambda: CanaryPlan([ERRORS], steps=(5, 5)),
        lambda: CanaryPlan([ERRORS], strategy="ab"),
        lambda: Metric("x", margin=0.0),
        lambda: Metric("x", kind=Evidence.LATENCY),
        lambda: Metric("x", kind=Evidence.LATENCY, edges=(2.0, 1.0)),
        lambda: Metric("x", kind=Evidence.SCORES, edges=(1.0, 2.0)),
        lambda: Metric("x", ratio=float("nan")),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(wrong) -> None:
    """Before any traffic is sent anywhere."""
    with pytest.raises(BadInput):
        wrong()
