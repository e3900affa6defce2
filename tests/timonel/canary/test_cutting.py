"""Blocks from exact counts: each request once, and none whose version is a guess."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from timonel.canary import Block, CanaryJudge, CanaryPlan, Metric, Verdict
from timonel.canary.cutting import Counted, Totals, Versions, base_rates, check_metrics, cut
from timonel.errors import BadInput
from timonel.terms import Evidence

EDGES = (9.9, 20.1, 52.0, 99.0)
PLAN = CanaryPlan(
    [
        Metric("errors", margin=0.01),
        Metric("latency", kind=Evidence.LATENCY, margin=0.01, edges=(20.0, 100.0), slo=100.0),
    ]
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = (NOW, NOW + timedelta(minutes=1))
PAIR = Versions("1", "2")


def counted(n: int, bad: int, *latency: int) -> Counted:
    return Counted(version="1", n=n, error=bad, timeout=bad, latency=latency)


def totals(**versions: Counted) -> Totals:
    found = {name.removeprefix("v"): one for name, one in versions.items()}
    return Totals(edges_ms=EDGES, versions=found)


def block(before: Totals, now: Totals, **more: Any) -> Block:
    return cut(PLAN, PAIR, before, now, SPAN, **more)


def test_a_block_is_the_difference_of_two_looks() -> None:
    """Errors and timeouts together; cells between the edges of the plan, at the nearest that are counted."""
    before = totals(v1=counted(10, 1, 4, 3, 2, 1, 0))
    found = block(before, totals(v1=counted(110, 3, 44, 33, 22, 11, 0)), weight=5)
    assert (found.stable.requests, found.stable.counts) == (100, {"errors": 4})
    assert found.stable.histograms == {"latency": (70, 30, 0)}
    assert (found.canary.requests, found.weight) == (0, 5)


def test_counts_that_fall_are_not_believed() -> None:
    """A monitor that forgot is no source: the block says so, and has no counts."""
    found = block(
        totals(v1=counted(10, 0, 10, 0, 0, 0, 0)), totals(v1=counted(5, 0, 5, 0, 0, 0, 0))
    )
    assert found.stable.requests == 0
    assert "5 requests of version 1 are counted, 10 were before" in found.doubts[0]


def test_requests_without_a_version_are_no_evidence_and_no_pass() -> None:
    """They may be the canary's failures: the verdict says so, and is inconclusive after a while."""
    before = totals(v1=counted(0, 0, 0, 0, 0, 0, 0))
    now = totals(v1=counted(900, 0, 900, 0, 0, 0, 0), v2=counted(90, 0, 90, 0, 0, 0, 0))
    now = now.model_copy(update={"versions": now.versions | {"": counted(7, 0, 7, 0, 0, 0, 0)}})
    found = block(before, now)
    assert (found.stable.requests, found.canary.requests) == (0, 0)
    assert Block.from_json(json.dumps(found.to_dict())) == found
    judge, minute = CanaryJudge(PLAN), timedelta(minutes=1)
    for i in range(PLAN.patience):
        span = (SPAN[0] + i * minute, SPAN[1] + i * minute)
        decision = judge.update(cut(PLAN, PAIR, before, now, span))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.reasons[0].startswith("7 requests were logged without a version")
    assert decision.canary_requests == 0


def test_base_rates_are_the_champions() -> None:
    """Half a bad request more; none of what is given, none without a request."""
    seen = totals(v1=counted(99, 2, 50, 20, 20, 5, 4))
    assert base_rates(PLAN, seen, "1") == {"errors": 0.045, "latency": 0.045}
    assert base_rates(PLAN, seen, "2") == {}
    given = CanaryPlan([Metric("errors", margin=0.01, base_rate=0.1)])
    assert base_rates(given, seen, "1") == {}


def test_a_metric_that_nobody_counts_is_refused() -> None:
    """Before anything is started."""
    with pytest.raises(BadInput, match="names accuracy, which the monitor does not count"):
        check_metrics(CanaryPlan([Metric("accuracy", margin=0.01)]))
