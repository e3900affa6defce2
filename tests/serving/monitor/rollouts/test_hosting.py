"""A canary judged by the monitor from its own counts: nothing twice, nothing guessed, no data no pass."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rolled_out import SETTINGS, Bench, table
from timonel.canary import Verdict
from timonel.errors import BadInput
from timonel_serving.monitor.rollouts.answers import verdict_of
from timonel_serving.monitor.rollouts.gate import Question, opens
from timonel_serving.monitor.rollouts.shelf import MOST
from timonel_serving.problems import Conflict, NotFound


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Version 6 has served for ten minutes; the rollout of version 7 is open."""
    found = Bench(tmp_path)
    for _ in range(10):
        found.now += 60
        found.heard("pod-1", table(found.now, 400, "6", errors=4))
    found.watched.rollouts.open("6", "7", "fraud-7")
    yield found
    found.watched.store.close()


def test_an_equal_canary_is_promoted_after_all_steps_of_its_traffic(bench: Bench) -> None:
    """The weight is raised as evidence comes; what was counted before the opening is no evidence."""
    weights = []
    for _ in range(40):
        one = bench.minute()
        weights.append(one.decision["weight"])
        if one.final:
            break
    assert one.verdict is Verdict.PROMOTE
    assert weights == sorted(weights)
    assert {20, 50, 100} == set(weights)
    blocks = one.decision["blocks"]
    assert one.decision["canary_requests"] == 100 * blocks
    assert one.decision["metrics"]["errors"]["stable"]["n"] == 400 * blocks
    assert [s.step.value for s in one.steps] == ["started", "judged"]
    assert len(one.course) == blocks
    assert bench.minute() == one


def test_a_worse_canary_is_rolled_back(bench: Bench) -> None:
    """With the numbers that made it so, and no traffic left for it."""
    for _ in range(20):
        one = bench.minute(bad=(4, 15))
        if one.final:
            break
    answer = verdict_of(one)
    assert (answer.verdict, answer.final, answer.weight) == (Verdict.ROLLBACK, True, 0)
    assert answer.reasons[0].startswith("errors: the canary is worse: 15 % of ")


def test_a_restart_in_the_midst_counts_nothing_twice(bench: Bench, tmp_path: Path) -> None:
    """Killed and started again at any block: the evidence is that of a monitor that nobody disturbed."""
    calm = Bench(tmp_path / "calm")
    for _ in range(10):
        calm.now += 60
        calm.heard("pod-1", table(calm.now, 400, "6", errors=4))
    calm.watched.rollouts.open("6", "7", "fraud-7")
    for i in range(8):
        undisturbed = calm.minute()
        if i % 2:
            bench.again()
        one = bench.minute()
    assert one.decision == undisturbed.decision
    assert one.totals == undisturbed.totals
    bench.again()
    assert bench.watched.rollouts.all[0].decision == undisturbed.decision
    calm.watched.store.close()


def test_settings_that_change_meanwhile_do_not_touch_it(bench: Bench) -> None:
    """Margins stay as they were when the evidence began."""
    bench.minute()
    bench.again(SETTINGS.replace("max_blocks: 60", "max_blocks: 7"))
    assert verdict_of(bench.minute()).max_blocks == 60


def test_no_data_for_the_canary_is_no_pass(bench: Bench) -> None:
    """It goes on for a while, is inconclusive then, and says what is missing."""
    verdicts = [bench.minute(canary=0).verdict for _ in range(4)]
    assert verdicts[:2] == [Verdict.CONTINUE] * 2
    assert verdicts[2:] == [Verdict.INCONCLUSIVE] * 2
    answer = verdict_of(bench.watched.rollouts.all[0])
    assert "the canary had no requests" in answer.reasons[0]
    assert answer.reasons[-1].startswith("no request of version 7 has been counted since ")
    assert answer.reasons[-1].endswith("versions that were: 6")
    assert not answer.final
    assert bench.minute().verdict is Verdict.CONTINUE


def test_events_without_a_version_are_not_guessed(bench: Bench) -> None:
    """Whose they are is not known: such blocks are no evidence, and the verdict says so."""
    bench.minute()
    bench.heard("pod-1", table(bench.now, 3, None, named="x"))
    one = bench.minute()
    assert one.reasons[0].startswith("3 requests were logged without a version")
    assert one.decision["canary_requests"] == 100
    assert bench.minute().decision["canary_requests"] == 200


def test_a_silent_detector_is_no_pass(bench: Bench) -> None:
    """What it has seen is missing: the blocks are no evidence until it is heard again or signed off."""
    bench.heard("pod-2")
    bench.minute()
    one = bench.minute()
    assert one.reasons[0].startswith("the detector pod-2 has been silent since 00:10:00 UTC")
    for _ in range(2):
        one = bench.minute()
    assert one.verdict is Verdict.INCONCLUSIVE
    bench.watched.leave("pod-2")
    assert bench.minute().verdict is Verdict.CONTINUE


def test_no_detector_at_all_is_no_pass(bench: Bench) -> None:
    """Nobody counts."""
    bench.watched.leave("pod-1")
    bench.now += 60
    assert bench.turn().reasons[0] == "no detector is at work: nothing is counted"


def test_a_weight_that_nobody_told_is_not_checked(bench: Bench) -> None:
    """A share of half instead of a fifth stops a canary whose weight is known, as a mismatch."""
    for _ in range(2):
        one = bench.minute(stable=400, canary=390)
    assert "mismatch" not in " ".join(one.reasons)
    assert verdict_of(one).told_weight is None
    bench.watched.rollouts.tell_weight("fraud-7", 20)
    for _ in range(6):
        one = bench.minute(stable=400, canary=390)
    assert (one.verdict, one.final) == (Verdict.INCONCLUSIVE, True)
    assert "sample-ratio mismatch" in one.reasons[0]
    assert one.steps[1].said == "the route was set to 20 % for version 7"


def test_a_second_rollout_of_a_model_is_refused(bench: Bench) -> None:
    """The same one asked again is the one that is under way; another one waits for its end."""
    rollouts = bench.watched.rollouts
    assert rollouts.open("6", "7").id == "fraud-7"
    for stable, canary, name in (("6", "8", None), ("6", "7", "other")):
        with pytest.raises(Conflict, match="the rollout fraud-7 of fraud is under way"):
            rollouts.open(stable, canary, name)
    rollouts.close("fraud-7")
    with pytest.raises(Conflict, match="the rollout fraud-7 has ended"):
        rollouts.open("6", "7", "fraud-7")
    assert rollouts.open("6", "8").id == "20251114T001000-8"


def test_one_that_was_ended_from_outside_is_inconclusive(bench: Bench) -> None:
    """It opens no gate but that of the rollback, and takes no further word."""
    bench.minute()
    one = bench.watched.rollouts.close("fraud-7")
    assert (one.verdict, one.final) == (Verdict.INCONCLUSIVE, True)
    assert [opens(question, one) for question in Question] == [False, False, True]
    with pytest.raises(Conflict, match="has ended"):
        bench.watched.rollouts.tell_weight("fraud-7", 50)
    with pytest.raises(NotFound):
        bench.watched.rollouts.close("nothing")


def test_a_state_that_is_damaged_ends_it_and_not_the_watch(bench: Bench, tmp_path: Path) -> None:
    """Inconclusive, with the reason; the model is watched on, and another rollout may begin."""
    bench.minute()
    file = tmp_path / "rollouts" / "fraud-7.json"
    kept = json.loads(file.read_text())
    kept["judge"] = kept["judge"][:100] + "AAAA" + kept["judge"][104:]
    file.write_text(json.dumps(kept))
    bench.again()
    bench.now += 60
    bench.watched.upkeep()
    one = bench.watched.rollouts.all[0]
    assert (one.verdict, one.final) == (Verdict.INCONCLUSIVE, True)
    assert one.reasons[0].startswith("it cannot be judged any more: ")
    assert bench.watched.rollouts.open("6", "8").canary == "8"


@pytest.mark.parametrize(
    ("stable", "canary", "name", "says"),
    [
        ("6", "6", None, "both version 6"),
        ("6", "7", "../etc", "the id is"),
        ("6", "7", "", "the id"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    tmp_path: Path, stable: str, canary: str, name: str | None, says: str
) -> None:
    """Before anything is kept."""
    found = Bench(tmp_path)
    with pytest.raises(BadInput, match=says):
        found.watched.rollouts.open(stable, canary, name)
    assert found.watched.rollouts.all == ()
    found.watched.store.close()


def test_a_plan_that_the_counts_cannot_answer_is_refused(tmp_path: Path) -> None:
    """The monitor does not count accuracy by version: it would never be shown."""
    settings = SETTINGS.replace(
        "rollout: {", "rollout: {metrics: [{name: accuracy, margin: 0.1}], "
    )
    found = Bench(tmp_path, settings=settings)
    with pytest.raises(BadInput, match="names accuracy, which the monitor does not count"):
        found.watched.rollouts.open("6", "7")
    found.watched.store.close()


def test_what_is_kept_is_bounded(bench: Bench) -> None:
    """The oldest that have ended go, the one under way stays; the course is thinned, its ends stay."""
    rollouts = bench.watched.rollouts
    rollouts.close("fraud-7")
    for i in range(MOST + 4):
        bench.now += 60
        rollouts.open("6", f"{i + 8}")
        if i < MOST + 3:
            rollouts.close(rollouts.all[0].id)
    assert len(rollouts.all) == MOST
    assert rollouts.current is not None
    bench.again()
    assert len(bench.watched.rollouts.all) == MOST
    assert bench.watched.rollouts.current is not None


def test_the_course_is_thinned_and_keeps_its_ends(bench: Bench) -> None:
    """Hundreds of blocks make at most a few hundred points."""
    from timonel_serving.monitor.rollouts.state import Point, thinned

    first = bench.minute().course[0]
    points: tuple[Point, ...] = ()
    for i in range(1000):
        points = thinned((*points, first.model_copy(update={"evidence": {"weight": i}})))
    assert len(points) <= 241
    weights = [p.evidence["weight"] for p in points]
    assert weights == sorted(weights)
    assert (weights[0], weights[-1]) == (0, 999)


def test_a_canary_that_the_traffic_cannot_decide_is_not_begun(tmp_path: Path) -> None:
    """Refused with what would do, by the traffic of late; what is not known yet refuses nothing."""
    found = Bench(tmp_path, settings=SETTINGS.replace("max_blocks: 60", "max_blocks: 4"))
    rollouts = found.watched.rollouts
    rollouts.open("6", "7", "nothing-seen")
    rollouts.close("nothing-seen")
    for _ in range(3):
        found.now += 60
        found.heard("pod-1", table(found.now, 40, "6", errors=1))
    with pytest.raises(BadInput, match="this canary cannot be decided: errors") as refused:
        rollouts.open("6", "7", "fraud-7")
    assert "blocks of 40 requests, max_blocks is 4" in refused.value.message
    assert "times the traffic" in (refused.value.fix or "")
    assert rollouts.get("fraud-7") is None
    rollouts.open("9", "7", "stable-unseen")
    rollouts.close("stable-unseen")
    assert rollouts.open("6", "7", "fraud-7", force=True).verdict is Verdict.CONTINUE
    found.watched.store.close()
