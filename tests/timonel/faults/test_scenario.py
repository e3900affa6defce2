"""Several incidents on one table: order, truths and seeds."""

import numpy as np
import pyarrow as pa
import pytest

from incident_cases import ARGUMENTS, SMALL, make, serialised
from timonel.errors import BadInput
from timonel.faults import (
    ClippedRange,
    DuplicateRows,
    NullBurst,
    Scenario,
    SegmentOutage,
    SlowDependency,
    UnitChange,
)

LOG = SMALL.table(np.random.default_rng(3))
UNIT = UnitChange(columns=("amount",), onset=0.5)
CLIP = ClippedRange(columns=("amount",), onset=0.5)


def test_a_scenario_equals_its_incidents_by_hand() -> None:
    """Then means: on the table that is left, with the generator as it is left."""
    rng = np.random.default_rng(4)
    by_hand = NullBurst(columns=("f2",)).apply(LOG, rng)
    by_hand = make("label_noise").apply(by_hand.table, rng)
    together = NullBurst(columns=("f2",)).then(make("label_noise"))
    done = together.apply(LOG, np.random.default_rng(4))
    assert serialised(done.table) == serialised(by_hand.table)
    assert [t.incident for t in done.truths] == ["null_burst", "label_noise"]


def test_the_order_counts() -> None:
    """Clipped after the change of unit everything lies on the limit; before it, nothing is lost."""
    limit = np.quantile(np.asarray(LOG["amount"])[:2000], 0.8, method="lower")
    one = UNIT.then(CLIP).apply(LOG, np.random.default_rng(0)).table
    other = CLIP.then(UNIT).apply(LOG, np.random.default_rng(0)).table
    assert np.asarray(one["amount"])[2000:].max() == limit
    assert np.asarray(other["amount"])[2000:].max() == pytest.approx(100 * limit)


def test_scenarios_join_to_one() -> None:
    """Putting together is associative."""
    left = UNIT.then(CLIP).then(SlowDependency())
    right = UNIT.then(CLIP.then(SlowDependency()))
    assert left == right == Scenario((UNIT, CLIP, SlowDependency()))


def test_a_truth_follows_its_rows_through_later_incidents() -> None:
    """Rows that come twice or are lost later are still found where the first incident's truth says."""
    scenario = (
        NullBurst(columns=("f2",), severity="low")
        .then(SegmentOutage(columns=("country",), onset=0.2))
        .then(DuplicateRows(onset=0.7, severity="high"))
    )
    done = scenario.apply(LOG, np.random.default_rng(9))
    burst, outage, twice = done.truths
    missing = np.flatnonzero(np.asarray(done.table["f2"].is_null()))
    assert burst.rows.tolist() == missing.tolist()
    assert outage.removed > 0
    assert LOG["prediction_id"].take(pa.array(done.origin)).equals(done.table["prediction_id"])
    assert len(np.unique(done.origin)) == LOG.num_rows - outage.removed
    assert len(twice.rows) == done.table.num_rows - len(np.unique(done.origin))


def test_a_later_incident_leaves_the_earlier_ones_alone() -> None:
    """Adding an incident at the end draws nothing anew before it."""
    short = UNIT.then(NullBurst(columns=("f2",)))
    for more in (SlowDependency(), make("duplicate_rows")):
        rows = [s.apply(LOG, np.random.default_rng(2)) for s in (short, short.then(more))]
        ids = [d.table["prediction_id"].take(pa.array(d.truths[1].rows)) for d in rows]
        assert set(ids[0].to_pylist()) == set(ids[1].to_pylist())


@pytest.mark.parametrize("first", sorted(ARGUMENTS))
def test_any_two_incidents_go_together(first: str) -> None:
    """Each incident leaves a table that every other one can work on."""
    for second in sorted(ARGUMENTS):
        done = make(first, onset=0.4).then(make(second)).apply(LOG, np.random.default_rng(1))
        assert len(done.truths) == 2
        assert done.table.schema.types == LOG.schema.types


def test_one_truth_is_asked_of_one_incident() -> None:
    """Of several incidents there is no single truth, and nothing is no scenario."""
    done = UNIT.then(CLIP).apply(LOG, np.random.default_rng(0))
    with pytest.raises(BadInput, match="2 incidents"):
        _ = done.truth
    with pytest.raises(BadInput, match="at least one"):
        Scenario(())
