"""The governor's truth table, cell by cell, and what must hold whatever the evidence."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from timonel.config import Retraining
from timonel.diagnosis import (
    DEFAULT_ACTION,
    Action,
    Cause,
    Confidence,
    Diagnosis,
    DiagnosisState,
    Finding,
    Scope,
)
from timonel.errors import BadInput
from timonel.performance.value import Measured, State
from timonel.retraining import (
    Answer,
    Attempt,
    Evidence,
    Labels,
    Outcome,
    Request,
    Situation,
    decide,
)
from timonel.terms import OnPriorShift, Window

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ONSET = NOW - 10 * DAY
SETTINGS = Retraining(max_age=timedelta(days=365))
PLAIN = Situation(
    NOW, "fraud", "3", NOW - 100 * DAY, Labels(900, 9000), maturity=7 * DAY, previous="2"
)
UNKNOWN = Measured.absent(State.NO_DATA)

TRIGGERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "drift": {"drift": Evidence("amount drifted")},
    "loss": {"loss": Evidence("errors rose", NOW - 5 * DAY)},
    "estimate": {"estimate": Evidence("AUC fell"), "drift": Evidence("amount drifted")},
    "age": {"trained": NOW - 400 * DAY},
    "person": {"request": Request("new product")},
    "force": {"request": Request("the vendor confirmed it", force=True)},
}
SPOILT = "none none veto veto veto veto retrain"
EXPECTED = {
    "nobody diagnosed": "none none retrain retrain retrain retrain retrain",
    "none": "none none wait none retrain retrain retrain",
    "benign": "none none wait none retrain retrain retrain",
    "unknown": "none none wait wait wait wait retrain",
    "not_enough": "none none wait wait retrain retrain retrain",
    "data_quality": SPOILT,
    "infrastructure": SPOILT,
    "label_artefact": SPOILT,
    "serving_skew": SPOILT,
    "deploy": "roll_back roll_back roll_back roll_back roll_back roll_back retrain",
    "prior_shift": " ".join(["recalibrate"] * 6 + ["retrain"]),
    "covariate_shift": "none none retrain retrain retrain retrain retrain",
    "concept_change": "none none retrain retrain retrain retrain retrain",
}
BROKEN = ("data_quality", "infrastructure", "label_artefact", "serving_skew")


def finding(cause: str, confidence: Confidence = Confidence.HIGH) -> Finding:
    """A cause that was found."""
    share = Measured(0.8, 0.6, 0.95, 5000)
    action = DEFAULT_ACTION[Cause(cause)]
    said = ("it explains the loss.",)
    return Finding(Cause(cause), Scope(), share, said, (), ONSET, action, "x", confidence)


def diagnosed(named: str, *more: Finding) -> Diagnosis | None:
    """A diagnosis in this state, or one that explains the loss by this cause."""
    if named == "nobody diagnosed":
        return None
    states = [state.value for state in DiagnosisState]
    state = DiagnosisState(named) if named in states else DiagnosisState.EXPLAINED
    found = () if named in states else (finding(named),)
    return Diagnosis(state, UNKNOWN, UNKNOWN, UNKNOWN, (*found, *more), UNKNOWN, (), ONSET)


def situation(diagnosis: str = "nobody diagnosed", trigger: str = "loss", **more: Any) -> Situation:
    """A situation in which nothing but the diagnosis speaks against a retraining."""
    return replace(PLAIN, diagnosis=diagnosed(diagnosis), **{**TRIGGERS[trigger], **more})


CELLS = [
    (named, trigger, answer)
    for named, row in EXPECTED.items()
    for trigger, answer in zip(TRIGGERS, row.split(), strict=True)
]


@pytest.mark.parametrize(("diagnosis", "trigger", "answer"), CELLS)
def test_the_truth_table(diagnosis: str, trigger: str, answer: str) -> None:
    """What a diagnosis makes of each trigger, with enough labels and all the time in the world."""
    found = decide(situation(diagnosis, trigger), SETTINGS)
    assert found.answer == answer
    assert found.reasons[0]
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("labels", "missing"),
    [
        (Labels(37, 9000), {"positives": 163}),
        (Labels(900, 150), {"negatives": 50}),
        (Labels(0, 0), {"positives": 200, "negatives": 200}),
        (Labels(200, 200), {}),
    ],
)
def test_too_few_matured_labels_wait_and_say_how_many_are_missing(
    labels: Labels, missing: dict[str, int]
) -> None:
    """Each class has its own minimum, the minimum itself is enough."""
    found = decide(situation("concept_change", labels=labels), SETTINGS)
    assert dict(found.missing) == missing
    assert found.answer is (Answer.WAIT if missing else Answer.RETRAIN)
    assert all(
        f"{lacking} new matured {name}" in found.reasons[0] for name, lacking in missing.items()
    )


def test_a_veto_comes_before_missing_labels_and_a_force_past_them() -> None:
    """Labels that arrive mend no broken data; a person may train on few."""
    few: dict[str, Any] = {"labels": Labels(1, 1)}
    assert decide(situation("data_quality", **few), SETTINGS).answer is Answer.VETO
    assert decide(situation("data_quality", "force", **few), SETTINGS).answer is Answer.RETRAIN
    assert decide(situation("deploy", **few), SETTINGS).answer is Answer.ROLL_BACK
    assert decide(situation("prior_shift", **few), SETTINGS).answer is Answer.RECALIBRATE


@pytest.mark.parametrize("cause", BROKEN)
def test_broken_data_are_never_learnt_whatever_asks_for_it(cause: str) -> None:
    """Over all triggers together, labels, paces, settings and companions: only a force trains."""
    companions = [(), (finding("concept_change"),)]
    attempts = [(), (Attempt(NOW - DAY, Outcome.FAILED),), (Attempt(NOW - 90 * DAY, Outcome.DONE),)]
    kinds = ("nothing", "drift", "loss", "estimate", "age", "person")
    settings = [SETTINGS, Retraining(retrain_unexplained=True, min_positives=0, max_age=DAY)]
    for names, more, tried, chosen, first in product(
        [kinds[:k] for k in range(7)], companions, attempts, settings, (True, False)
    ):
        asked = {k: v for name in names for k, v in TRIGGERS[name].items()}
        held = situation(cause, "nothing", attempts=tried, **asked)
        assert held.diagnosis is not None
        found = (*held.diagnosis.findings, *more) if first else (*more, *held.diagnosis.findings)
        held = replace(held, diagnosis=replace(held.diagnosis, findings=found))
        assert decide(held, chosen).answer in (Answer.VETO, Answer.NONE)


def test_a_cause_that_is_only_possible_does_not_veto() -> None:
    """Behind a sure concept change, a low suspicion of the data is no reason to keep the model."""
    held = situation("concept_change")
    low = finding("data_quality", Confidence.LOW)
    held = replace(held, diagnosis=diagnosed("concept_change", low))
    assert decide(held, SETTINGS).answer is Answer.RETRAIN


def test_a_fault_that_explains_next_to_nothing_does_not_veto() -> None:
    """Named beside the first cause: 3 % of the loss stop nothing, 6 % do."""
    answers = []
    for share in (0.03, 0.06):
        slight = replace(finding("data_quality"), share=Measured(share, 0.0, 0.1, 5000))
        diagnosis = diagnosed("concept_change", slight)
        answers.append(decide(replace(situation(), diagnosis=diagnosis), SETTINGS).answer)
    assert answers == [Answer.RETRAIN, Answer.VETO]


def test_a_forced_training_needs_a_reason_and_records_what_it_overrules() -> None:
    """The record says who went past what."""
    with pytest.raises(BadInput, match="no reason"):
        Request("  ", force=True)
    found = decide(situation("data_quality", "force"), SETTINGS)
    assert "the vendor confirmed it" in found.reasons[0]
    assert "data quality" in found.vetoes[0]


def test_a_rollback_needs_a_version_to_go_back_to() -> None:
    """Without one a bad deploy is a veto."""
    assert decide(situation("deploy", previous=None), SETTINGS).answer is Answer.VETO
    assert "back to version 2" in decide(situation("deploy"), SETTINGS).reasons[0]


def test_a_prior_shift_moves_the_threshold_where_that_is_set() -> None:
    """The scores then stay as they are."""
    settings = Retraining(on_prior_shift=OnPriorShift.MOVE_THRESHOLD)
    assert decide(situation("prior_shift"), settings).answer is Answer.MOVE_THRESHOLD


def test_unexplained_losses_are_retrained_where_that_is_set() -> None:
    """Else a person looks first."""
    settings = Retraining(retrain_unexplained=True)
    assert decide(situation("unknown"), settings).answer is Answer.RETRAIN


@pytest.mark.parametrize(
    ("failures", "days"), [(0, 7), (1, 14), (2, 28), (3, 56), (4, 60), (400, 60)]
)
def test_the_cooldown_is_the_labels_maturity_doubled_by_failed_challengers(
    failures: int, days: int
) -> None:
    """7 days here, at most 60; a success starts anew."""
    last = NOW - 5 * DAY
    ends = [Outcome.FAILED, Outcome.DONE, *[Outcome.FAILED] * failures]
    tried = tuple(Attempt(last, outcome) for outcome in ends)
    settings = Retraining(weekly_budget=100, longest_cooldown=timedelta(days=60))
    cold = situation(attempts=tried[-90:])
    assert decide(cold, settings).answer is Answer.WAIT
    assert decide(cold, settings).next_allowed == last + days * DAY
    later = replace(cold, time=last + days * DAY)
    assert decide(later, settings).answer is Answer.RETRAIN


def test_the_cooldown_is_a_day_at_least() -> None:
    """Where labels come at once."""
    cold = situation(maturity=timedelta(0), trained=NOW - timedelta(hours=23))
    assert decide(cold, SETTINGS).next_allowed == NOW + timedelta(hours=1)
    assert decide(replace(cold, time=NOW + timedelta(hours=1)), SETTINGS).answer is Answer.RETRAIN


def test_the_budget_of_a_week() -> None:
    """Two trainings within seven days; the third may start when the first is a week old."""
    tried = tuple(Attempt(NOW - k * DAY, Outcome.DONE) for k in (6, 3))
    held = situation(maturity=timedelta(0), attempts=tried)
    found = decide(held, SETTINGS)
    assert (found.answer, found.next_allowed) == (Answer.WAIT, NOW + DAY)
    assert decide(replace(held, time=NOW + DAY), SETTINGS).answer is Answer.RETRAIN
    nothing = decide(held, Retraining(weekly_budget=0))
    assert (nothing.answer, nothing.next_allowed) == (Answer.WAIT, None)


@pytest.mark.parametrize("trigger", ["loss", "person", "force"])
def test_one_training_at_a_time(trigger: str) -> None:
    """Not even a force starts a second one."""
    running = (Attempt(NOW - 40 * DAY, Outcome.RUNNING),)
    found = decide(situation(trigger=trigger, attempts=running), SETTINGS)
    assert found.answer is Answer.WAIT
    assert "under way" in found.reasons[0]


def test_a_force_goes_past_cooldown_and_budget() -> None:
    """It is the person's decision."""
    tried = tuple(Attempt(NOW - DAY, Outcome.FAILED) for _ in range(5))
    assert decide(situation(trigger="force", attempts=tried), SETTINGS).answer is Answer.RETRAIN


def test_two_who_decide_alike_have_one_key() -> None:
    """Another attempt, version or answer has another."""
    first = decide(situation(), SETTINGS)
    assert first.key == decide(replace(situation(), time=NOW + DAY), SETTINGS).key
    others = [
        decide(situation(version="4"), SETTINGS),
        decide(situation("deploy"), SETTINGS),
        decide(situation(attempts=(Attempt(NOW - 90 * DAY, Outcome.FAILED),)), SETTINGS),
    ]
    assert len({first.key, *(other.key for other in others)}) == 4


def test_a_concept_change_is_learnt_from_the_rows_after_it() -> None:
    """Other causes leave the choice of the window to the settings, and tell the onset."""
    concept = decide(situation("concept_change"), SETTINGS).window
    covariate = decide(situation("covariate_shift"), SETTINGS).window
    alone = decide(situation(), SETTINGS).window
    assert concept is not None
    assert (concept.window, concept.since) == (Window.RECENT, ONSET)
    assert covariate is not None
    assert (covariate.window, covariate.since) == (Window.CHOOSE, ONSET)
    assert alone is not None
    assert alone.since == NOW - 5 * DAY


def test_a_change_too_young_to_be_parted_waits() -> None:
    """All its rows would be test rows: the answer says from when some of them teach."""
    young = situation("concept_change", maturity=DAY, parting=NOW - ONSET)
    found = decide(young, SETTINGS)
    assert found.answer is Answer.WAIT
    assert found.next_allowed == NOW + DAY
    assert "too young" in found.reasons[0]
    assert decide(replace(young, time=NOW + DAY), SETTINGS).answer is Answer.RETRAIN
    everything = SETTINGS.model_copy(update={"window": Window.ALL})
    assert decide(replace(young, diagnosis=None), everything).answer is Answer.RETRAIN


def test_a_changed_concept_is_learnt_from_enough_labels_since_it() -> None:
    """Labels from before the change do not count."""
    few = replace(situation("concept_change"), recent=Labels(150, 4000))
    found = decide(few, SETTINGS)
    assert (found.answer, found.missing) == (Answer.WAIT, (("positives", 50),))


def test_every_cause_and_state_has_a_row() -> None:
    """A new cause without a line in the table fails here."""
    states = {state.value for state in DiagnosisState} - {"explained"}
    causes = {cause.value for cause in Cause} - {"benign"}
    assert set(EXPECTED) == states | causes | {"nobody diagnosed"}
    assert Action.RETRAIN in DEFAULT_ACTION.values()


def test_a_recalibration_waits_for_labels_since_the_change() -> None:
    """Whatever came before it: the answer says how many of which are missing."""
    few = replace(PLAIN, diagnosis=diagnosed("prior_shift"), recent=Labels(37, 900))
    found = decide(few, SETTINGS)
    assert found.answer is Answer.WAIT
    assert found.missing == (("positives", 63),)
    assert decide(replace(few, recent=Labels(100, 900)), SETTINGS).answer is Answer.RECALIBRATE
