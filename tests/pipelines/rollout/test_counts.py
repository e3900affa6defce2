"""Blocks from the monitor that the driver asks: missing is not zero."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from timonel.canary import CanaryPlan, Metric
from timonel.canary.cutting import Counted, Totals
from timonel.terms import Evidence
from timonel_pipelines.rollout.evidence.blocks import observe
from timonel_pipelines.rollout.evidence.counts import Counts
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
