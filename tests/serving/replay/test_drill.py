"""Drills against a running predictor: each incident can be put in, and is where it is said to be."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from packages import Built
from servers import Running
from timonel.errors import BadInput, Unavailable
from timonel.faults import INCIDENTS, Severity
from timonel_serving.replay.drill import SEED, Drill, Fault, prepare
from timonel_serving.replay.scorer import Scorer
from timonel_serving.replay.traffic import Plan

PLAN = Plan(datetime(2026, 3, 2, tzinfo=UTC), 4, 3000, timedelta(days=1))


@pytest.fixture(scope="module")
def scorer(server: Running, loans: Built) -> Scorer:
    """The running predictor of the loans."""
    return Scorer(server.url, loans.package.contract)


def drilled(scorer: Scorer, loans: Built, fault: Fault | None) -> Drill:
    """A drill of the loans' own rows."""
    contract = loans.package.contract
    rows = loans.table.select([*scorer.features, contract.target])
    rows = rows.rename_columns([*scorer.features, "label"])
    return prepare(scorer, rows, PLAN, fault, 0.5, contract.classes, seed=1)


def test_without_a_fault_nothing_is_put_in(scorer: Scorer, loans: Built) -> None:
    """All rows are scored, answered and labelled, and no truth is told."""
    drill = drilled(scorer, loans, None)
    assert drill.truths == ()
    assert drill.log.num_rows == PLAN.rows
    for name in ("score", "prediction", "version", "label"):
        assert drill.log[name].null_count == 0
    before, after = drill.accuracy
    assert after == pytest.approx(before, abs=0.1)


@pytest.mark.parametrize("name", [SEED, *INCIDENTS])
def test_every_incident_can_be_played(scorer: Scorer, loans: Built, name: str) -> None:
    """It sets in after two fifths of the time and not before, and the log stays in order."""
    drill = drilled(scorer, loans, Fault(name))
    onset = PLAN.start + timedelta(days=0.4 * PLAN.days)
    assert drill.truths
    for truth in drill.truths:
        assert truth.since == onset
    time = drill.log["arrival_time"]
    assert drill.log.sort_by("arrival_time")["arrival_time"].equals(time)


def test_rows_with_changed_features_are_scored_anew(scorer: Scorer, loans: Built) -> None:
    """The scores are those that the predictor gives for what the log holds."""
    drill = drilled(scorer, loans, Fault("stuck_sensor"))
    late = drill.log.slice(2000, 50)
    assert late.equals(scorer.scored(late))
    assert pc.count_distinct(late[drill.truths[0].columns[0]]).as_py() == 1


def test_a_bad_deploy_is_another_and_worse_version(scorer: Scorer, loans: Built) -> None:
    """Its answers are not those of the version that is running."""
    drill = drilled(scorer, loans, Fault("bad_deploy", Severity.HIGH))
    late = drill.log.slice(2000)
    assert pc.unique(late["version"]).to_pylist() != pc.unique(drill.log["version"][:1]).to_pylist()
    before, after = drill.accuracy
    assert after < before - 0.15


def test_rows_that_the_predictor_refuses_are_refused_requests(scorer: Scorer, loans: Built) -> None:
    """A unit that changed breaks the contract: status 422 and no answer, where it was fine before."""
    drill = drilled(scorer, loans, Fault("unit_change", Severity.HIGH))
    early, late = drill.log.slice(0, 1000), drill.log.slice(2000)
    assert pc.unique(early["status"]).to_pylist() == [200]
    refused = pc.equal(late["status"], 422)
    assert pc.mean(pc.cast(refused, pa.float64())).as_py() > 0.5
    assert late["prediction"].filter(refused).null_count == pc.sum(refused).as_py()


def test_an_unknown_incident_names_those_that_there_are() -> None:
    """The message lists the incidents."""
    with pytest.raises(BadInput, match="seed, unit_change"):
        Fault("earthquake")


def test_a_predictor_that_is_not_there_is_told(loans: Built) -> None:
    """The message says what to start."""
    nobody = Scorer("http://127.0.0.1:9", loans.contract)
    with pytest.raises(Unavailable, match="timonel serve"):
        nobody.scored(loans.table.slice(0, 1))
