import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from timonel.diagnosis import Action, Case, Cause, Confidence, DiagnosisState, diagnose
from timonel.faults import (
    BadDeploy,
    Healthy,
    Incident,
    LabelNoise,
    NullBurst,
    PriorShift,
    ServingSkew,
    Severity,
    SlowDependency,
    SuddenConceptChange,
    UnitChange,
)

HEALTHY = Healthy(rows=12_000, days=28, numeric=3)
LABELS = ["label", "label_event_time", "label_arrival_time"]


@cache
def case(incident: Incident | None = None) -> Case:
    """Two weeks before and two after the onset."""
    log = HEALTHY.table(np.random.default_rng(7))
    if incident is not None:
        log = incident.apply(log, np.random.default_rng(8)).table
    half = log.num_rows // 2
    return Case(reference=log.slice(0, half), current=log.slice(half), replay=HEALTHY.model.score)


def given(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


STRONG = {
    "a unit": UnitChange(columns=("amount",), model=HEALTHY.model),
    "missing values": NullBurst(columns=("amount",), model=HEALTHY.model),
    "skew": ServingSkew(columns=("amount",), model=HEALTHY.model, severity=Severity.HIGH),
    "the prior": PriorShift(severity=Severity.HIGH),
    "the concept": SuddenConceptChange(columns=("amount",), severity=Severity.HIGH),
    "wrong labels": LabelNoise(severity=Severity.HIGH),
    "latency": SlowDependency(),
}


@pytest.mark.parametrize("incident", STRONG.values(), ids=STRONG)
def test_a_strong_incident_is_named(incident: Incident) -> None:
    """The first finding is the injected cause, and the answer says so with an action."""
    found = diagnose(case(incident), seed=1)
    assert found.state is DiagnosisState.EXPLAINED
    assert found.cause is incident.cause
    assert found.action is not Action.NONE


def test_a_bad_deploy_is_told_by_the_previous_version_on_the_same_rows() -> None:
    """Not by its timing: without the previous version at hand it is not named for sure."""
    asked = replace(case(BadDeploy(severity=Severity.HIGH)), replay=None)
    told = diagnose(replace(asked, previous=HEALTHY.model.score), seed=1)
    assert (told.cause, told.action) == (Cause.DEPLOY, Action.ROLL_BACK)
    alone = diagnose(asked, seed=1)
    assert all(f.confidence is not Confidence.HIGH for f in alone.findings)
    assert any("no previous version" in text for text in alone.missing)


def test_nothing_wrong_asks_for_no_action() -> None:
    """A healthy log gives none or benign."""
    found = diagnose(case(), seed=1)
    assert found.state in (DiagnosisState.NONE, DiagnosisState.BENIGN)
    assert found.action is Action.NONE


def test_the_same_case_and_seed_give_the_same_answer_as_json() -> None:
    """An answer is reproducible, and JSON holds all of it without NaN."""
    first, second = (diagnose(case(STRONG["a unit"]), seed=3).to_json() for _ in range(2))
    assert first == second
    kept = json.loads(first, parse_constant=pytest.fail)
    assert kept["findings"][0]["scope"]["columns"] == ["amount"]
    assert kept["findings"][0]["share"]["value"] == pytest.approx(1.0, abs=0.1)


def test_shares_and_the_unexplained_rest_add_up() -> None:
    """What the steps claim and what is left is the whole change."""
    found = diagnose(case(STRONG["the concept"]), seed=1)
    parts = sum(float(f.share) for f in found.findings if f.share.ok)
    assert parts + float(found.unexplained) == pytest.approx(1.0, abs=0.05)


def test_labels_are_not_needed_for_what_the_log_shows() -> None:
    """A broken column is named without a single label; the loss is said to be unknown."""
    asked = case(STRONG["missing values"])
    blind = replace(
        asked,
        reference=asked.reference.drop_columns(LABELS),
        current=asked.current.drop_columns(LABELS),
    )
    found = diagnose(blind, seed=1)
    assert found.cause is Cause.DATA_QUALITY
    assert not found.change.ok
    assert any("nothing is said of the loss" in text for text in found.missing)


def _one_class(asked: Case) -> Case:
    return replace(
        asked, current=given(asked.current, "label", pa.array(np.zeros(asked.current.num_rows)))
    )


def _no_labels(asked: Case) -> Case:
    return replace(asked, current=asked.current.drop_columns(LABELS))


def _few(asked: Case) -> Case:
    return replace(asked, current=asked.current.slice(0, 50))


def _none(asked: Case) -> Case:
    return replace(asked, reference=asked.reference.slice(0, 0))


def _no_scores(asked: Case) -> Case:
    return replace(asked, reference=asked.reference.drop_columns(["score"]))


UNANSWERABLE = [_one_class, _no_labels, _few, _none, _no_scores]


@pytest.mark.parametrize("spoil", UNANSWERABLE, ids=lambda f: f.__name__.strip("_"))
def test_too_little_is_answered_with_what_is_missing(spoil: Callable[[Case], Case]) -> None:
    """No crash, no cause that is claimed with confidence, and the reason."""
    found = diagnose(spoil(case()), seed=1)
    assert found.state is DiagnosisState.NOT_ENOUGH
    assert all(f.confidence is Confidence.LOW for f in found.findings)
    assert any("needed" in text for text in found.missing)


def _broken(table: pa.Table) -> np.ndarray:
    raise RuntimeError("weights are gone")


def test_a_model_that_cannot_be_replayed_is_said_and_costs_only_its_questions() -> None:
    """Another cause is still found, and the reason why the model could not score is told."""
    found = diagnose(replace(case(STRONG["the concept"]), replay=_broken), seed=1)
    assert found.cause is Cause.CONCEPT_CHANGE
    assert any("weights are gone" in text for text in found.missing)


def test_a_reference_of_another_contract_is_said() -> None:
    """Columns that only one side has are listed."""
    asked = case()
    other = asked.reference.rename_columns(
        [f"old_{n}" if n in ("amount", "f2") else n for n in asked.reference.column_names]
    )
    found = diagnose(replace(asked, reference=other), seed=1)
    assert any("only one of the tables has" in text and "amount" in text for text in found.missing)


@pytest.mark.parametrize("count", [2, 150])
def test_few_and_many_features(count: int) -> None:
    """Two features, or more than are looked at together: what is left out is told."""
    asked = case(STRONG["the concept"])
    rng = np.random.default_rng(2)

    def widened(table: pa.Table) -> pa.Table:
        if count == 2:
            return table.drop_columns(["f3", "channel", "country"])
        for j in range(count):
            table = table.append_column(f"x{j}", pa.array(rng.standard_normal(table.num_rows)))
        return table

    wide = replace(asked, reference=widened(asked.reference), current=widened(asked.current))
    found = diagnose(wide, seed=1)
    assert found.cause is Cause.CONCEPT_CHANGE
    assert any("left out" in text for text in found.missing) == (count > 100)
