"""The judge: when it promotes, when it rolls back, and that nothing else passes."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from canaries import AT, ERRORS, block, blocks, routed
from timonel.canary import Arm, Block, CanaryJudge, CanaryPlan, Metric, Moments, Paired, Verdict
from timonel.canary.verdict import Facts, decide
from timonel.errors import BadInput, Corrupt
from timonel.terms import Evidence, Strategy

PLAN = CanaryPlan([ERRORS], steps=(5,))
QUIET = Facts(
    guards=(),
    mismatch=None,
    harms=(),
    lacking=(),
    lacking_for=0,
    patience=5,
    uneven=None,
    warming=None,
    unsafe=(),
    safe=("errors are fine",),
    rising=None,
    blocks=10,
    max_blocks=200,
    strategy=Strategy.CANARY,
)


@pytest.mark.parametrize(
    ("facts", "verdict", "final"),
    [
        ({}, Verdict.PROMOTE, True),
        ({"unsafe": ("x",)}, Verdict.CONTINUE, False),
        ({"rising": "x"}, Verdict.CONTINUE, False),
        ({"safe": ()}, Verdict.CONTINUE, False),
        ({"warming": "x"}, Verdict.CONTINUE, False),
        ({"lacking": ("x",), "lacking_for": 1}, Verdict.CONTINUE, False),
        ({"lacking": ("x",), "lacking_for": 5}, Verdict.INCONCLUSIVE, False),
        ({"uneven": "x"}, Verdict.INCONCLUSIVE, False),
        ({"mismatch": "x"}, Verdict.INCONCLUSIVE, True),
        ({"harms": ("x",)}, Verdict.ROLLBACK, True),
        ({"guards": ("x",)}, Verdict.ROLLBACK, True),
        ({"harms": ("x",), "mismatch": "x"}, Verdict.ROLLBACK, True),
        ({"blocks": 200, "unsafe": ("x",)}, Verdict.INCONCLUSIVE, True),
        ({"blocks": 200, "lacking": ("x",), "lacking_for": 1}, Verdict.INCONCLUSIVE, True),
        ({"blocks": 200, "warming": "x"}, Verdict.INCONCLUSIVE, True),
        ({"strategy": Strategy.AB}, Verdict.CONTINUE, False),
        ({"strategy": Strategy.AB, "blocks": 200}, Verdict.PROMOTE, True),
    ],
)
def test_the_table_of_verdicts(facts: dict, verdict: Verdict, final: bool) -> None:
    """Only a sound block with all of the evidence promotes; each other state has its own answer."""
    found = decide(replace(QUIET, **facts))
    assert (found.verdict, found.final) == (verdict, final)
    assert found.reasons


def test_a_canary_twice_as_bad_is_rolled_back_with_its_numbers() -> None:
    """The reason names the metric, both rates and the evidence."""
    found = CanaryJudge(PLAN).replay(blocks(200, 0.01))
    assert found.verdict is Verdict.ROLLBACK
    assert found.final
    assert "errors" in found.reasons[0]
    assert "20 suffices" in found.reasons[0]
    assert found.weight == 0
    evidence = found.metrics["errors"]
    assert evidence.harmful
    assert evidence.e_harm >= 20
    assert evidence.interval[0] <= evidence.estimate <= evidence.interval[1]


def test_an_equal_canary_climbs_its_steps_and_is_promoted_as_planned() -> None:
    """At least 9 of 10 are promoted within the blocks that the plan said."""
    plan = CanaryPlan([ERRORS])
    said = plan.required_traffic(3000).blocks
    ends = [routed(plan, 0.005, seed) for seed in range(20)]
    assert {e.weight for e in ends} == {0, 100}
    assert sum(e.verdict is Verdict.PROMOTE and e.blocks <= said for e in ends) >= 17


def test_no_time_left_is_inconclusive() -> None:
    """A canary that is neither shown worse nor harmless is not promoted at the end."""
    found = CanaryJudge(replace(PLAN, max_blocks=20)).replay(blocks(20))
    assert (found.verdict, found.final) == (Verdict.INCONCLUSIVE, True)
    assert "no decision within 20 blocks" in found.reasons[0]


def test_no_traffic_is_never_a_pass() -> None:
    """Zero requests of the canary: it goes on for a while, then it is inconclusive, and may recover."""
    judge = CanaryJudge(PLAN)
    found = [
        judge.update(block(i, Arm(2850, {"errors": 14}), Arm(0, {"errors": 0}))) for i in range(6)
    ]
    assert [f.verdict for f in found] == [Verdict.CONTINUE] * 4 + [Verdict.INCONCLUSIVE] * 2
    assert "the canary had no requests" in found[-1].reasons[0]
    again = judge.update(block(9, Arm(2850, {"errors": 14}), Arm(150, {"errors": 1})))
    assert again.verdict is Verdict.CONTINUE


def test_traffic_that_stops_midway_does_not_promote() -> None:
    """Evidence that sufficed is not acted on in a block without data."""
    judge = CanaryJudge(replace(PLAN, min_requests=10**9))
    judge.replay(blocks(199))
    judge.plan = PLAN
    found = judge.update(block(199, Arm(2850, {"errors": 14}), Arm(0)))
    assert found.verdict is Verdict.INCONCLUSIVE


def test_a_missing_metric_and_a_failing_query_are_told_apart() -> None:
    """Both keep the canary waiting, each with its own words."""
    judge = CanaryJudge(PLAN)
    missing = judge.update(block(0, Arm(2850), Arm(150)))
    failed = judge.update(block(1, Arm(2850), Arm(150), failed=("errors",)))
    assert missing.reasons == ("errors is missing from the block",)
    assert failed.reasons == ("the query for errors failed",)


def test_crude_limits_act_at_once() -> None:
    """Over half of 30 requests bad, or three deaths, need no statistics; a shared incident does."""
    half = CanaryJudge(PLAN).update(block(0, Arm(2850, {"errors": 14}), Arm(40, {"errors": 30})))
    loop = CanaryJudge(PLAN).update(
        block(0, Arm(2850, {"errors": 14}), Arm(9, {"errors": 0}, restarts=3))
    )
    shared = CanaryJudge(PLAN).update(
        block(0, Arm(2850, {"errors": 2100}), Arm(40, {"errors": 30}))
    )
    assert half.verdict is loop.verdict is Verdict.ROLLBACK
    assert "crash loop" in loop.reasons[0]
    assert shared.verdict is Verdict.CONTINUE


def test_the_warm_up_is_no_evidence() -> None:
    """A canary that is slow to warm is not rolled back for it."""
    judge = CanaryJudge(replace(PLAN, warm_up=timedelta(minutes=10)))
    early = judge.replay(blocks(10, 0.05))
    assert early.verdict is Verdict.CONTINUE
    assert "warming up" in early.reasons[0]
    assert early.metrics["errors"].e_harm == 1.0
    assert early.canary_requests == 0
    assert CanaryJudge(PLAN).replay(blocks(10, 0.05)).verdict is Verdict.ROLLBACK


def test_an_old_baseline_is_no_fair_comparison() -> None:
    """Processes that have run for days beside new ones: inconclusive, and it says what to do."""
    stable = Arm(2850, {"errors": 14}, started=AT - timedelta(days=3))
    found = CanaryJudge(PLAN).update(block(0, stable, Arm(150, {"errors": 1}, started=AT)))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "restart the baseline" in found.reasons[0]


def test_a_sample_ratio_mismatch_stops_the_run() -> None:
    """Fewer requests than the route was set to send: the arms are not comparable."""
    found = CanaryJudge(PLAN).replay(blocks(200, share=0.03, weight=5))
    assert (found.verdict, found.final) == (Verdict.INCONCLUSIVE, True)
    assert "sample-ratio mismatch" in found.reasons[0]


def test_the_same_blocks_give_the_same_decision_to_the_bit() -> None:
    """One by one, in one go, or put away and taken up midway: the same bytes."""
    plan = CanaryPlan([ERRORS, Metric("x", kind=Evidence.PAIRED, margin=0.01)])
    made = list(blocks(60, 0.006, weight=5))
    whole = CanaryJudge(plan).replay(made).to_json()
    judge = CanaryJudge(plan)
    for i, each in enumerate(made):
        if i % 7 == 3:
            judge = CanaryJudge.restore(plan, judge.state())
        last = judge.update(each)
    assert last.to_json() == whole
    assert json.loads(whole)["verdict"] == "continue"


def test_a_replay_is_the_same_to_the_bit_while_noise_is_learnt() -> None:
    """Blocks judged together give what each alone gives: warm-up, gaps, edges, unknown noise."""
    latency = Metric("latency", kind=Evidence.LATENCY, edges=(10.0, 20.0, 50.0), margin=0.02)
    metrics = [Metric("errors", ratio=1.1, margin=0.001, harm_margin=0.001), latency]
    plan = CanaryPlan(metrics, steps=(5,), warm_up=timedelta(minutes=3), max_blocks=1000)
    rng, made = np.random.default_rng(9), []
    for i in range(300):
        arms = []
        for n in (int(rng.poisson(2000)), int(rng.poisson(100)) * (i % 11 > 0)):
            cells = tuple(rng.multinomial(n, [0.6, 0.3, 0.09, 0.01]).tolist())
            arms.append(
                Arm(n, {"errors": int(rng.binomial(n, 0.01))}, histograms={"latency": cells})
            )
        made.append(block(i, *arms))
    judge = CanaryJudge(plan)
    for each in made:
        last = judge.update(each)
    assert CanaryJudge(plan).replay(made).to_json() == last.to_json()


def test_a_state_is_refused_if_damaged_or_for_another_plan() -> None:
    """Neither a flipped bit nor changed margins go unnoticed."""
    judge = CanaryJudge(PLAN)
    judge.replay(blocks(5))
    data = bytearray(judge.state())
    with pytest.raises(BadInput, match="another plan"):
        CanaryJudge.restore(replace(PLAN, alpha_harm=0.1), bytes(data))
    data[len(data) // 2] ^= 1
    with pytest.raises(Corrupt):
        CanaryJudge.restore(PLAN, bytes(data))


def test_a_final_decision_stays() -> None:
    """What comes after it changes nothing, not even after a restart."""
    judge = CanaryJudge(PLAN)
    ended = judge.replay(blocks(200, 0.02))
    again = CanaryJudge.restore(PLAN, judge.state())
    assert again.update(next(blocks(1))).to_json() == ended.to_json()


@pytest.mark.parametrize(
    "bad",
    [
        block(0, Arm(10, {"errors": 11}), Arm(10, {"errors": 1})),
        block(0, Arm(10, {"errors": -1}), Arm(10, {"errors": 1})),
        Block(AT, AT, Arm(10), Arm(10)),
    ],
)
def test_impossible_blocks_are_refused(bad: Block) -> None:
    """Counts that cannot be are an error, not evidence."""
    with pytest.raises(BadInput):
        CanaryJudge(PLAN).update(bad)


def test_a_block_is_counted_once() -> None:
    """A block that was given before is refused and changes nothing."""
    judge = CanaryJudge(PLAN)
    first = next(blocks(1))
    judge.update(first)
    with pytest.raises(BadInput, match="each once"):
        judge.update(first)
    assert judge.decision().blocks == 1


def test_only_nulls_and_tails_are_worse() -> None:
    """Error rates are equal, but slow requests are not: found by an edge of the histogram."""
    edges = (10.0, 20.0, 50.0, 100.0)
    latency = Metric("latency", kind=Evidence.LATENCY, edges=edges, margin=0.01, noise=0.0)
    judge = CanaryJudge(CanaryPlan([ERRORS, latency], steps=(5,)))
    rng = np.random.default_rng(1)
    for i in range(60):
        arms = [
            Arm(n, {"errors": 0}, histograms={"latency": tuple(rng.multinomial(n, p).tolist())})
            for n, p in ((2850, [0.5, 0.3, 0.15, 0.04, 0.01]), (150, [0.5, 0.3, 0.1, 0.08, 0.02]))
        ]
        found = judge.update(block(i, *arms))
        if found.final:
            break
    assert found.verdict is Verdict.ROLLBACK
    assert "latency" in found.reasons[0]
    assert "slower than 100" in found.reasons[0]


def test_scores_may_differ() -> None:
    """A shift of the scores is shown as evidence and decides nothing."""
    edges = tuple(k / 10 for k in range(1, 10))
    scores = Metric("score", kind=Evidence.SCORES, edges=edges, noise=0.0)
    judge = CanaryJudge(CanaryPlan([ERRORS, scores], steps=(5,)))
    for i in range(50):
        stable = Arm(1000, {"errors": 5}, histograms={"score": (100,) * 10})
        canary = Arm(1000, {"errors": 5}, histograms={"score": (40,) * 5 + (160,) * 5})
        found = judge.update(block(i, stable, canary))
        if found.final:
            break
    assert found.verdict is Verdict.PROMOTE
    assert found.metrics["score"].e_harm > 1e6
    assert found.metrics["score"].harm_bar is None


def test_labelled_rows_scored_by_both_decide_fast() -> None:
    """One percentage point more errors is found within 5,000 labels on the same rows."""
    plan = CanaryPlan([Metric("labels", kind=Evidence.PAIRED, margin=0.005)], strategy="shadow")
    rng, judge = np.random.default_rng(2), CanaryJudge(plan)
    for i in range(50):
        up, down, _ = rng.multinomial(100, [0.03, 0.02, 0.95])
        found = judge.update(
            block(i, Arm(900), Arm(900), paired={"labels": Paired(100, int(up), int(down))})
        )
        if found.final:
            break
    assert found.verdict is Verdict.ROLLBACK
    assert found.weight == 0


def test_a_worse_loss_rolls_back_and_an_equal_one_is_shown_harmless() -> None:
    """Differences of a loss, row by row, by their sums alone."""
    loss = Metric("log loss", kind=Evidence.LOSS, margin=0.02)
    ends = {}
    for shift in (0.0, 0.05):
        rng, judge = np.random.default_rng(3), CanaryJudge(CanaryPlan([loss], steps=(5,)))
        for i in range(100):
            x = rng.normal(shift, 0.3, 100)
            sums = Moments(100, float(x.sum()), float((x**2).sum()))
            ends[shift] = judge.update(block(i, Arm(900), Arm(100), losses={"log loss": sums}))
            if ends[shift].final:
                break
    assert ends[0.0].verdict is Verdict.PROMOTE
    assert ends[0.05].verdict is Verdict.ROLLBACK


def test_a_b_waits_for_its_horizon() -> None:
    """A better business figure promotes at the horizon, not before; the interval holds all along."""
    value = Metric("revenue", kind=Evidence.VALUE, margin=0.0)
    plan = CanaryPlan([value], strategy="ab", steps=(50,), max_blocks=40)
    rng, judge = np.random.default_rng(4), CanaryJudge(plan)
    for i in range(40):
        arms = []
        for mean in (1.0, 1.2):
            x = rng.exponential(mean, 500)
            arms.append(
                Arm(500, values={"revenue": Moments(500, float(x.sum()), float((x**2).sum()))})
            )
        found = judge.update(block(i, *arms))
        assert found.final == (i == 39)
    assert found.verdict is Verdict.PROMOTE
    low, high = found.metrics["revenue"].interval
    assert 0 < low < 0.2 < high


def test_an_absolute_ceiling_needs_no_champion() -> None:
    """Disagreement with the champion on mirrored rows, below 5 %: ratio 0."""
    ceiling = Metric("disagreement", ratio=0.0, margin=0.05, harm_margin=0.05, noise=0.0)
    ends = {}
    for rate in (0.02, 0.1):
        rng, judge = np.random.default_rng(5), CanaryJudge(CanaryPlan([ceiling], strategy="shadow"))
        for i in range(100):
            bad = int(rng.binomial(100, rate))
            ends[rate] = judge.update(
                block(i, Arm(100, {"disagreement": 0}), Arm(100, {"disagreement": bad}))
            )
            if ends[rate].final:
                break
    assert ends[0.02].verdict is Verdict.PROMOTE
    assert ends[0.1].verdict is Verdict.ROLLBACK


def test_a_segment_speaks_once_it_has_support() -> None:
    """A bad segment of a few rows is not judged; with enough of them it is."""
    segment = Metric("errors[country=NZ]", support=400, base_rate=0.005, noise=0.0)
    plan = CanaryPlan([ERRORS, segment], steps=(5,), max_blocks=1000)
    judge = CanaryJudge(plan)
    for i in range(100):
        name = segment.name
        stable = Arm(2850, {"errors": 14, name: 1}, {name: 200})
        found = judge.update(block(i, stable, Arm(150, {"errors": 1, name: 2}, {name: 10})))
        if found.final:
            break
    assert found.verdict is Verdict.ROLLBACK
    assert found.blocks == 40
    assert "country=NZ" in found.reasons[0]
