"""The error rates that the documentation promises, on a smaller scale; `make bench-canary` has them all."""

from dataclasses import replace

import numpy as np
import pytest

from canaries import ERRORS, blocks
from timonel.canary import CanaryJudge, CanaryPlan, Metric
from timonel.canary.simulate import Scenario, draw, play
from timonel.canary.simulate.rivals import RULES
from timonel.canary.simulate.table import compare, median, share

PLAN = CanaryPlan([Metric("errors", margin=0.002)], steps=(5,))
CELLS = {
    "steady": Scenario(),
    "little traffic": Scenario(share=0.002),
    "daily cycle": Scenario(diurnal=True),
    "lasting noise": Scenario(memory=0.9, noise=0.3),
    "ramp": Scenario(ramp=True),
}


@pytest.mark.parametrize("name", CELLS)
def test_equal_canaries_are_seldom_rolled_back(name: str) -> None:
    """At most 5 % over 200 looks, whatever the traffic does; allowed for 200 runs: 8 %."""
    rng = np.random.default_rng(11)
    scenario = CELLS[name]
    before = draw(replace(scenario, blocks=1440, ramp=False), 200, rng)
    assert play(PLAN, draw(scenario, 200, rng), before).rolled_back <= 0.08


def test_twice_the_errors_are_found_in_20_minutes() -> None:
    """In the median, at 5 % of 50 requests a second, and in nearly every run at all."""
    rng = np.random.default_rng(12)
    before = draw(Scenario(blocks=1440), 200, rng)
    found = play(PLAN, draw(Scenario(harm=2.0), 200, rng), before)
    assert found.rolled_back >= 0.98
    assert median(found.rollback) <= 20


def test_what_is_played_in_parallel_is_what_the_judge_does() -> None:
    """The simulation and the judge roll back in the same block."""
    made = list(blocks(100, 0.012))
    judged = CanaryJudge(CanaryPlan([ERRORS], steps=(5,))).replay(made)
    counts = [
        [b.stable.requests, b.stable.counts["errors"], b.canary.requests, b.canary.counts["errors"]]
        for b in made
    ]
    drawn = replace(
        draw(Scenario(blocks=1), 1, np.random.default_rng(0)),
        counts=np.array(counts, float)[:, None, None],
    )
    played = play(CanaryPlan([ERRORS], steps=(5,)), drawn)
    assert judged.verdict.value == "rollback"
    assert played.rollback.tolist() == [judged.blocks]


def test_common_rules_err_as_is_known() -> None:
    """A repeated z-test rolls back a third of equal canaries; under a ramp nearly all."""
    rng = np.random.default_rng(13)
    rates = {}
    for name in ("steady", "ramp"):
        counts = draw(CELLS[name], 200, rng).counts[:, :, 0]
        rates[name] = float(share(RULES["z-test at each look"](counts, 0.005)))
    assert rates["steady"] > 0.25
    assert rates["ramp"] > 0.9


def test_the_table_is_reproducible() -> None:
    """The same seed gives the same table, the judge first."""
    first, again = ([r.to_dict() for r in compare(PLAN, Scenario(), 2.0, 40, 5, 200)] for _ in "ab")
    assert first == again
    assert [r["rule"] for r in first] == ["timonel", *RULES]
