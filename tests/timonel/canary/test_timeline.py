"""The evidence over time, as records and pictures take it."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from timonel.canary import Arm, Block, CanaryJudge, CanaryPlan, Metric, evidence_course

BEGIN, MINUTE = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=1)
PLAN = CanaryPlan([Metric("errors", margin=0.002), Metric("nulls")], steps=(5,), max_blocks=1000)


def judged(blocks: int) -> list[tuple[datetime, dict[str, object]]]:
    """Blocks of equal versions; nulls are never reported."""
    judge, found = CanaryJudge(PLAN), []
    for i in range(blocks):
        start, end = BEGIN + i * MINUTE, BEGIN + (i + 1) * MINUTE
        block = Block(start, end, Arm(950, {"errors": 5}), Arm(50, {"errors": i % 4 == 0}))
        found.append((end, judge.update(block).to_dict()))
    return found


def test_a_short_course_is_whole() -> None:
    """Each block is a point with its evidence and rates; what is not known is null; it is plain JSON."""
    told = judged(3)
    course = json.loads(json.dumps(evidence_course(told), allow_nan=False))
    assert course["at"] == [f"2026-01-01T00:0{i}:00+00:00" for i in (1, 2, 3)]
    assert course["weight"] == [5, 5, 5]
    errors, nulls = course["metrics"]["errors"], course["metrics"]["nulls"]
    last = told[-1][1]["metrics"]["errors"]  # type: ignore[index]
    assert errors["e_safe"][-1] == last["e_safe"]
    assert errors["lower"][-1] == last["difference"]["lower"] <= errors["difference"][-1]
    assert (errors["bar_harm"], errors["bar_safe"]) == (40.0, 20.0)
    assert (errors["n_stable"], errors["n_canary"]) == ([950, 1900, 2850], [50, 100, 150])
    assert nulls["canary"] == nulls["upper"] == [None] * 3
    assert nulls["bar_safe"] is None


def test_a_long_course_is_thinned_evenly_and_keeps_its_end() -> None:
    """500 blocks make 120 points, 4 or 5 blocks apart, from the first to the last."""
    told = judged(500)
    at = [datetime.fromisoformat(x) for x in evidence_course(told)["at"]]
    assert (len(at), at[0], at[-1]) == (120, told[0][0], told[-1][0])
    assert {b - a for a, b in pairwise(at)} == {4 * MINUTE, 5 * MINUTE}


def test_without_a_block_there_is_no_course() -> None:
    """Empty lists, not an error."""
    assert evidence_course([]) == {"at": [], "weight": [], "metrics": {}}
