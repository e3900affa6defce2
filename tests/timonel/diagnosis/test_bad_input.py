"""What a diagnosis says where too little is known: what can be said, what is missing, no guess."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from timonel.diagnosis import Case, Cause, Confidence, Diagnosis, DiagnosisState, diagnose
from timonel.faults import BadDeploy, Healthy, Incident, Severity, SuddenConceptChange, UnitChange

HEALTHY = Healthy(rows=6000, days=28, numeric=3, base_rate=0.3)
LABELS = ["label", "label_event_time", "label_arrival_time"]
FEATURES = ["amount", "f2", "f3", "channel", "country"]
UNIT = UnitChange(columns=("amount",), model=HEALTHY.model, severity=Severity.HIGH)
CONCEPT = SuddenConceptChange(columns=("amount",), severity=Severity.HIGH)
DEPLOY = BadDeploy(severity=Severity.HIGH)


@cache
def case(incident: Incident | None = None) -> Case:
    log = HEALTHY.table(np.random.default_rng(17))
    if incident is not None:
        log = incident.apply(log, np.random.default_rng(18)).table
    half = log.num_rows // 2
    return Case(reference=log.slice(0, half), current=log.slice(half), replay=HEALTHY.model.score)


def both(asked: Case, change: Callable[[pa.Table], pa.Table]) -> Case:
    return replace(asked, reference=change(asked.reference), current=change(asked.current))


def said(found: Diagnosis, text: str) -> bool:
    json.loads(found.to_json(), parse_constant=pytest.fail)
    return any(text in one for one in found.missing)


def unsure(found: Diagnosis) -> bool:
    """No cause is named with confidence."""
    return found.cause is None or all(f.confidence is not Confidence.HIGH for f in found.findings)


def with_labels(table: pa.Table, value: int) -> pa.Table:
    at = table.schema.get_field_index("label")
    return table.set_column(at, "label", pa.array(np.full(table.num_rows, value)))


def test_without_labels_only_what_the_log_shows_is_named() -> None:
    """A change of concept cannot be seen; a changed unit can."""
    blind = {k: both(case(k), lambda t: t.drop_columns(LABELS)) for k in (CONCEPT, UNIT)}
    found = diagnose(blind[CONCEPT], seed=1)
    assert found.state is DiagnosisState.NOT_ENOUGH
    assert unsure(found)
    assert said(found, "0 labelled")
    assert diagnose(blind[UNIT], seed=1).cause is Cause.DATA_QUALITY


@pytest.mark.parametrize("value", [0, 1])
def test_one_class_says_nothing_of_the_loss(value: int) -> None:
    """Labels of one class on either side: no loss is divided, and the reason is told."""
    for asked in (
        both(case(CONCEPT), lambda t: with_labels(t, value)),
        replace(case(CONCEPT), current=with_labels(case(CONCEPT).current, value)),
    ):
        found = diagnose(asked, seed=1)
        assert unsure(found)
        assert not found.change.ok
        assert said(found, "of either class are needed")


def test_a_reference_of_another_contract_leaves_a_change_unknown() -> None:
    """No feature is in both tables: the loss is told, its cause is not."""
    asked = case(CONCEPT)
    names = [f"old_{n}" if n in FEATURES else n for n in asked.reference.column_names]
    found = diagnose(replace(asked, reference=asked.reference.rename_columns(names)), seed=1)
    assert found.state is DiagnosisState.UNKNOWN
    assert found.change.ok
    assert said(found, "no feature is in both tables")


def test_a_column_of_another_type_is_named() -> None:
    """What was a number in the reference comes as text."""
    asked = case()
    at = asked.reference.schema.get_field_index("f2")
    text = asked.current["f2"].cast(pa.string())
    found = diagnose(replace(asked, current=asked.current.set_column(at, "f2", text)), seed=1)
    assert found.cause is Cause.DATA_QUALITY
    assert found.findings[0].scope.columns == ("f2",)


def fails(table: pa.Table) -> np.ndarray:
    raise RuntimeError("weights are gone")


def answers_nothing(table: pa.Table) -> np.ndarray:
    return np.full(table.num_rows, np.nan)


def answers_one_row(table: pa.Table) -> np.ndarray:
    return np.zeros(1)


UNUSABLE = [fails, answers_nothing, answers_one_row]


@pytest.mark.parametrize("model", UNUSABLE, ids=lambda f: f.__name__)
def test_a_model_that_cannot_be_replayed_is_as_none(
    model: Callable[[pa.Table], np.ndarray],
) -> None:
    """The answer is that without a model, and the reason is told."""
    for incident in (CONCEPT, UNIT):
        asked = case(incident)
        found = diagnose(replace(asked, replay=model), seed=1)
        without = diagnose(replace(asked, replay=None), seed=1)
        assert (found.state, found.cause) == (without.state, without.cause)
        assert found.cause is incident.cause
        assert said(found, "the registered model ")


@pytest.mark.parametrize("model", [None, *UNUSABLE], ids=str)
def test_a_missing_previous_version_leaves_a_deploy_in_doubt(
    model: Callable[[pa.Table], np.ndarray] | None,
) -> None:
    """A bad deploy is never put down to something else for sure, nor named for sure itself."""
    found = diagnose(replace(case(DEPLOY), replay=None, previous=model), seed=1)
    assert unsure(found)
    assert said(found, "no previous version is at hand")


@pytest.mark.parametrize("incident", [None, CONCEPT, UNIT], ids=str)
def test_a_window_of_50_rows_is_never_sure(incident: Incident | None) -> None:
    """Of an hour, or of two weeks with classes enough that the loss can be told."""
    asked = case(incident)
    positive = np.argsort(-asked.current["label"].to_numpy(), kind="stable")[:12]
    spread = np.unique([*positive, *range(0, asked.current.num_rows, asked.current.num_rows // 37)])
    told = diagnose(replace(asked, current=asked.current.take(pa.array(spread))), seed=1)
    assert told.change.ok
    assert all(f.confidence is not Confidence.HIGH for f in told.findings)
    found = diagnose(replace(asked, current=asked.current.slice(0, 50)), seed=1)
    assert all(f.confidence is not Confidence.HIGH for f in found.findings)


def test_without_features_a_loss_is_not_guessed_at() -> None:
    """Only times, scores and labels: that it changed is known, and no more."""
    found = diagnose(
        replace(
            both(case(CONCEPT), lambda t: t.select(["event_time", "score", "label"])), replay=None
        ),
        seed=1,
    )
    assert found.change.ok
    assert unsure(found)
    assert found.cause is None


def test_two_thousand_features_are_answered() -> None:
    """What is not looked at together is told."""
    rng = np.random.default_rng(3)

    def widened(table: pa.Table) -> pa.Table:
        few = table.slice(0, 1500)
        more = {f"x{j}": pa.array(rng.standard_normal(len(few))) for j in range(1995)}
        return pa.table({**{name: few[name] for name in few.column_names}, **more})

    found = diagnose(both(case(UNIT), widened), seed=1)
    assert found.cause is Cause.DATA_QUALITY
    assert found.findings[0].scope.columns == ("amount",)
    assert said(found, "of 2000 features")


def test_two_features_are_enough() -> None:
    """A changed concept of one of them is named, without a model to replay."""
    asked = both(case(CONCEPT), lambda t: t.drop_columns(["f3", "channel", "country"]))
    assert diagnose(asked, seed=1).cause is Cause.CONCEPT_CHANGE
