"""Blocks from the monitor's counts: each request once, missing is not zero."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from timonel.canary import CanaryPlan, Metric
from timonel.errors import BadInput
from timonel.terms import Evidence
from timonel_pipelines.rollout.evidence.blocks import observe
from timonel_pipelines.rollout.evidence.counts import (
    Counted,
    Counts,
    Totals,
    arm,
    base_rates,
    check_metrics,
)
from timonel_pipelines.rollout.record.state import State
from timonel_pipelines.rollout.route.stand import Version

EDGES = (9.9, 20.1, 52.0, 99.0)
PLAN = CanaryPlan(
    [
        Metric("errors", margin=0.01),
        Metric("latency", kind=Evidence.LATENCY, margin=0.01, edges=(20.0, 100.0), slo=100.0),
    ]
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def counted(n: int, bad: int, *latency: int) -> Counted:
    return Counted(version="1", n=n, error=bad, timeout=bad, latency=latency)


def test_an_arm_is_the_difference_of_two_looks() -> None:
    """Errors and timeouts together; cells between the edges of the plan, at the nearest that are counted."""
    found = arm(PLAN, EDGES, counted(10, 1, 4, 3, 2, 1, 0), counted(110, 3, 44, 33, 22, 11, 0))
    assert (found.requests, found.counts) == (100, {"errors": 4})
    assert found.histograms == {"latency": (70, 30, 0)}


def test_counts_that_fall_are_refused() -> None:
    """A monitor that forgot is no source."""
    with pytest.raises(BadInput, match="counted 5 requests of version 1, 10 before"):
        arm(PLAN, EDGES, counted(10, 0, 10, 0, 0, 0, 0), counted(5, 0, 5, 0, 0, 0, 0))


def test_base_rates_are_the_champions() -> None:
    """Half a bad request more; none of what is given, none without a request."""
    totals = Totals(edges_ms=EDGES, versions={"1": counted(99, 2, 50, 20, 20, 5, 4)})
    assert base_rates(PLAN, totals, "1") == {"errors": 0.045, "latency": 0.045}
    assert base_rates(PLAN, totals, "2") == {}
    given = CanaryPlan([Metric("errors", margin=0.01, base_rate=0.1)])
    assert base_rates(given, totals, "1") == {}


def test_a_metric_that_nobody_counts_is_refused() -> None:
    """Before anything is started."""
    with pytest.raises(BadInput, match="names accuracy, which the monitor does not count"):
        check_metrics(CanaryPlan([Metric("accuracy", margin=0.01)]))


def test_a_monitor_that_is_away_is_no_pass(tmp_path: Path) -> None:
    """All metrics failed in the block, and the next one counts from where the last whole one ended."""
    one = Version(number="1", digest="0", package=str(tmp_path), data="t@1")
    totals = Totals(edges_ms=EDGES, versions={"1": counted(10, 0, 10, 0, 0, 0, 0)})
    begun = datetime.now(UTC) - timedelta(seconds=5)
    state = State(
        id="a",
        model="fraud",
        champion=one,
        challenger=one.model_copy(update={"number": "2"}),
        requests_per_block=100,
        weight_since=begun,
        counted_from=NOW,
        totals=totals,
        block_end=begun,
        restarts=1,
    )
    found = observe(state, PLAN, Counts("http://127.0.0.1:9", "fraud"), {}, timedelta(0))
    assert found.block.failed == ("errors", "latency")
    assert (found.block.start, found.block.canary.restarts) == (begun, 1)
    assert found.totals == totals
