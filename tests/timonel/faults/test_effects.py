"""What each incident does to a healthy log, in numbers."""

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from incident_cases import roc_auc
from timonel.faults import (
    INCIDENTS,
    BadDeploy,
    CategoryRename,
    ClippedRange,
    ColumnSwap,
    CovariateShift,
    DelayedRows,
    DuplicateRows,
    GradualConceptChange,
    Healthy,
    Incident,
    LabelDelay,
    LabelNoise,
    Model,
    NullBurst,
    NullPredictions,
    PriorShift,
    RecurringConceptChange,
    SeasonalChange,
    SegmentOutage,
    ServingSkew,
    SlowDependency,
    StuckSensor,
    SuddenConceptChange,
    UnitChange,
)

N = 40_000
HEALTHY = Healthy(rows=N, days=14, numeric=3, entities=500)
LOG = HEALTHY.table(np.random.default_rng(11))
SINCE = N // 2
"""The position of the onset: half of the stream, which is in order."""
Array = np.ndarray[Any, Any]


def after(incident: Incident) -> pa.Table:
    """The log from the onset on."""
    return incident.apply(LOG, np.random.default_rng(5)).table.slice(SINCE)


def array(table: pa.Table, name: str) -> Array:
    """A column as numpy."""
    return np.asarray(table[name])


SOUND = LOG.slice(SINCE)


def relative_miscalibration(table: pa.Table) -> float:
    """Mean label less mean score, in standard errors of a calibrated model: within 3 for one.

    Rows of the same score are copies of one, and count as one draw.
    """
    label, score = array(table, "label"), array(table, "score")
    distinct, copies = np.unique(score, return_counts=True)
    return float((label - score).sum() / np.sqrt((copies**2 * distinct * (1 - distinct)).sum()))


@pytest.mark.parametrize(("severity", "factor"), [("low", 1.609344), ("high", 1000.0)])
def test_a_unit_change_multiplies(severity: Any, factor: float) -> None:
    """Every value is multiplied by the factor of the severity."""
    changed = after(UnitChange(columns=("amount",), severity=severity))
    np.testing.assert_allclose(array(changed, "amount"), array(SOUND, "amount") * factor)


@pytest.mark.parametrize(("severity", "rate"), [("low", 0.05), ("medium", 0.3), ("high", 1.0)])
def test_a_null_burst_empties_a_share_of_the_rows(severity: Any, rate: float) -> None:
    """Exactly the share of the rows is empty, in all columns at once."""
    changed = after(NullBurst(columns=("amount", "channel"), severity=severity))
    assert changed["amount"].null_count == round(rate * SINCE)
    assert changed["amount"].is_null().equals(changed["channel"].is_null())


def test_a_stuck_sensor_repeats_the_last_value_of_an_entity() -> None:
    """Of 40 % of the entities each has one value: its last before the onset."""
    changed = after(StuckSensor(columns=("f2",)))
    entity, value = array(changed, "entity"), array(changed, "f2")
    past = LOG.slice(0, SINCE)
    last = dict(zip(past["entity"].to_pylist(), past["f2"].to_pylist(), strict=True))
    known = set(entity) & set(last)
    stuck = {e for e in known if (value[entity == e] == last[e]).all()}
    assert len(stuck) / len(known) == pytest.approx(0.4, abs=0.01)
    assert len(set(value)) < 0.75 * SINCE


def test_one_stuck_sensor_for_all_rows_without_entities() -> None:
    """A table without entities has one sensor, and it stands still."""
    table = LOG.drop_columns(["entity"])
    done = StuckSensor(columns=("f2",)).apply(table, np.random.default_rng(0))
    assert set(done.table["f2"].to_pylist()[SINCE:]) == {LOG["f2"][SINCE - 1].as_py()}


def test_renamed_categories_were_never_seen() -> None:
    """The rarest half of the categories come under new names, all others as before."""
    changed = after(CategoryRename(columns=("country",)))
    pairs = set(zip(SOUND["country"].to_pylist(), changed["country"].to_pylist(), strict=True))
    assert pairs == {("ES", "ES"), ("FR", "FR"), ("PT", "PT"), ("DE", "DE_new"), ("NL", "NL_new")}


def test_swapped_columns_hold_each_others_values() -> None:
    """In half of the rows each of the two has the other's value."""
    changed = after(ColumnSwap(columns=("amount", "f2")))
    swapped = array(changed, "amount") == array(SOUND, "f2")
    assert swapped.sum() == SINCE // 2
    assert (array(changed, "f2") == array(SOUND, "amount")).tolist() == swapped.tolist()


@pytest.mark.parametrize(("severity", "quantile"), [("low", 0.95), ("medium", 0.8), ("high", 0.5)])
def test_a_clipped_range_ends_at_a_quantile(severity: Any, quantile: float) -> None:
    """Values end at the quantile of the time before; what was above lies on it."""
    changed = array(after(ClippedRange(columns=("f3",), severity=severity)), "f3")
    limit = np.quantile(array(LOG, "f3")[:SINCE], quantile, method="lower")
    assert changed.max() == limit
    assert (changed == limit).mean() == pytest.approx(1 - quantile, abs=0.05)
    assert np.array_equal(changed, np.minimum(array(SOUND, "f3"), limit))


@pytest.mark.parametrize("incident", [UnitChange, NullBurst, StuckSensor, ClippedRange, ColumnSwap])
def test_scores_follow_wrong_features_where_the_model_is_given(incident: Any) -> None:
    """With the model, scores and predictions are those of the wrong features, and worse."""
    columns = ("amount", "f2") if incident is ColumnSwap else ("amount",)
    changed = after(incident(columns=columns, severity="high", model=HEALTHY.model))
    score = array(changed, "score")
    np.testing.assert_array_equal(score, HEALTHY.model.score(changed))
    positive = score >= HEALTHY.model.threshold
    assert np.array_equal(array(changed, "prediction") == 1, positive)
    fallen = roc_auc(array(SOUND, "label"), array(SOUND, "score")) - roc_auc(
        array(SOUND, "label"), score + 1e-9 * np.arange(SINCE)
    )
    # a unit change shifts all log-odds alike: the ranking holds, the calibration does not
    assert fallen > 0.02 or abs(relative_miscalibration(changed)) > 50


def test_duplicates_have_the_same_id_and_arrive_later() -> None:
    """A fifth of the rows is there twice, the copy 30 s later."""
    done = DuplicateRows().apply(LOG, np.random.default_rng(5))
    assert done.table.num_rows == N + SINCE // 5
    copies = done.table.take(pa.array(done.truth.rows))
    originals = done.table.take(pa.array(done.truth.rows - 1))
    assert copies["prediction_id"].equals(originals["prediction_id"])
    late = pc.subtract(copies["arrival_time"], originals["arrival_time"])
    assert set(late.to_pylist()) == {timedelta(seconds=30)}


def test_delayed_rows_arrive_later_around_the_delay() -> None:
    """Arrivals move by an hour to three, two on average; events stay."""
    late = after(DelayedRows())
    hours = np.asarray(pc.subtract(late["arrival_time"], SOUND["arrival_time"])) / np.timedelta64(
        1, "h"
    )
    assert hours.mean() == pytest.approx(2, abs=0.02)
    assert (hours.min(), hours.max()) == (pytest.approx(1, abs=0.01), pytest.approx(3, abs=0.01))
    assert late["event_time"].equals(SOUND["event_time"])


@pytest.mark.parametrize(("severity", "lost"), [("low", 0.25), ("medium", 0.6), ("high", 1.0)])
def test_a_segment_outage_loses_rows_of_its_segment_only(severity: Any, lost: float) -> None:
    """The share of the segment's rows is gone, no other row is."""
    done = SegmentOutage(columns=("country",), segment="PT", severity=severity).apply(
        LOG, np.random.default_rng(5)
    )
    left = done.table.slice(SINCE)["country"].to_pylist().count("PT")
    had = SOUND["country"].to_pylist().count("PT")
    assert had - left == done.truth.removed == round(lost * had)
    assert done.table.num_rows == N - done.truth.removed


def test_the_segment_that_an_outage_chose_is_in_the_truth() -> None:
    """Without a segment the most frequent one goes silent, and the truth says which."""
    done = SegmentOutage(columns=("channel",)).apply(LOG, np.random.default_rng(5))
    assert done.truth.parameters == {"lost": 0.6, "segment": "web"}


@pytest.mark.parametrize(("severity", "factor"), [("low", 1.5), ("medium", 2), ("high", 4)])
def test_a_prior_shift_multiplies_the_base_rate_and_keeps_the_classes(
    severity: Any, factor: float
) -> None:
    """P(y) moves by the factor; within a class the features keep mean and spread, so ranking holds."""
    changed = after(PriorShift(severity=severity))
    now, then = array(changed, "label"), array(SOUND, "label")
    assert now.mean() == pytest.approx(factor * then.mean(), rel=0.001)
    for kind in (0, 1):
        old, new = array(SOUND, "f2")[then == kind], array(changed, "f2")[now == kind]
        assert abs(new.mean() - old.mean()) < 4 * old.std() / np.sqrt(len(old))
    assert roc_auc(now, array(changed, "score")) == pytest.approx(
        roc_auc(then, array(SOUND, "score")), abs=0.02
    )
    assert relative_miscalibration(changed) > 5


@pytest.mark.parametrize("shift", [-1.0, 0.25, 0.5, 1.0])
def test_a_covariate_shift_moves_the_mean_and_keeps_the_calibration(shift: float) -> None:
    """P(x) moves by so many standard deviations, and the score stays the probability of the label."""
    changed = after(CovariateShift(columns=("amount",), shift=shift))
    amount = array(SOUND, "amount")
    if shift > 0:
        reached = (array(changed, "amount").mean() - amount.mean()) / amount.std()
        assert reached == pytest.approx(shift, abs=0.05)
    else:  # a log-normal has no room a whole sd below its mean: as far as the rows allow
        assert array(changed, "amount").mean() < np.quantile(amount, 0.1)
    assert abs(relative_miscalibration(changed)) < 3
    np.testing.assert_array_equal(array(changed, "score"), HEALTHY.model.score(changed))


def test_labels_move_with_their_rows_and_keep_their_age() -> None:
    """A row that gives way takes its donor's label at the donor's age."""
    done = CovariateShift(columns=("f2",)).apply(LOG, np.random.default_rng(5)).table
    age = pc.subtract(done["label_arrival_time"], done["event_time"])
    hours = np.asarray(age)[SINCE:] / np.timedelta64(1, "h")
    assert hours.min() > 0
    assert hours.mean() == pytest.approx(24.5, abs=1)


@pytest.mark.parametrize("incident", [PriorShift(), CovariateShift(columns=("f2",))])
def test_a_shift_keeps_the_seasons(incident: Incident) -> None:
    """Donors come from about the same time: the features' way through the hours stays as it was."""
    hour = array(SOUND, "event_time").astype("datetime64[h]").astype(int)
    _, hour, count = np.unique(hour, return_inverse=True, return_counts=True)
    means = [np.bincount(hour, array(t, "f3")) / count for t in (SOUND, after(incident))]
    busy = count > 100
    assert np.corrcoef(means[0][busy], means[1][busy])[0, 1] > 0.9


def test_a_season_comes_and_goes_without_harm() -> None:
    """The mean moves most in mid-season, hardly at its ends, and the score stays calibrated."""
    changed = after(SeasonalChange(columns=("f2",), severity="high"))
    moved = (array(changed, "f2") - array(SOUND, "f2")) / array(SOUND, "f2").std()
    tenths = [part.mean() for part in np.array_split(moved, 10)]
    assert max(tenths) == pytest.approx(0.5, abs=0.06)
    assert max(tenths[0], tenths[-1]) < 0.2
    assert int(np.argmax(tenths)) in (3, 4, 5, 6)
    assert abs(relative_miscalibration(changed)) < 3


def test_a_concept_change_turns_an_effect_around_and_keeps_the_base_rate() -> None:
    """The declared rule: amount used to raise the risk, now it lowers it; scores are as before."""
    changed = after(SuddenConceptChange(columns=("amount",), severity="medium"))
    label, amount = array(changed, "label"), np.log(array(changed, "amount"))
    assert np.corrcoef(amount, array(SOUND, "label"))[0, 1] > 0.15
    assert np.corrcoef(amount, label)[0, 1] < -0.1
    assert label.mean() == pytest.approx(array(SOUND, "score").mean(), abs=0.01)
    assert changed["score"].equals(SOUND["score"])
    assert roc_auc(label, array(changed, "score")) < 0.6


def test_the_grades_of_a_concept_change_rank_its_harm() -> None:
    """The more severe, the less the score is worth."""
    worth = [
        roc_auc(array(changed, "label"), array(changed, "score"))
        for severity in ("low", "medium", "high")
        for changed in [after(SuddenConceptChange(columns=("amount",), severity=severity))]  # type: ignore[arg-type]
    ]
    assert worth[0] > worth[1] + 0.05 > worth[2] + 0.1


def test_labels_follow_a_rule_that_is_given() -> None:
    """Labels are drawn from the rule's probabilities."""
    changed = after(SuddenConceptChange(rule=lambda t: 1 - array(t, "score")))
    label, chance = array(changed, "label"), 1 - array(changed, "score")
    assert abs((label - chance).sum()) < 4 * np.sqrt((chance * (1 - chance)).sum())
    was = roc_auc(array(SOUND, "label"), array(SOUND, "score"))
    assert roc_auc(label, array(changed, "score")) == pytest.approx(1 - was, abs=0.02)


def _always(table: pa.Table) -> Array:
    return np.ones(table.num_rows)


def test_a_gradual_change_takes_over_linearly() -> None:
    """A tenth of the way into the ramp a tenth of the labels follows the new rule, and so on."""
    done = GradualConceptChange(rule=_always, ramp=0.5).apply(LOG, np.random.default_rng(5))
    follows = np.zeros(N)
    follows[done.truth.rows] = 1
    micros = array(SOUND, "event_time").astype("datetime64[us]").astype(np.int64)
    tenth = np.digitize(micros, np.linspace(micros[0], micros[-1], 11)[1:-1])
    parts = [follows[SINCE:][tenth == t].mean() for t in range(10)]
    assert parts[:5] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9], abs=0.04)
    assert parts[5:] == [1] * 5
    assert array(done.table, "label")[done.truth.rows].all()


def test_a_recurring_change_comes_and_goes() -> None:
    """Three turns of the new rule, each followed by one of the old."""
    done = RecurringConceptChange(rule=_always).apply(LOG, np.random.default_rng(5))
    follows = np.zeros(N, dtype=int)
    follows[done.truth.rows] = 1
    assert np.flatnonzero(np.diff(follows)).shape == (6,)
    old = (follows == 0) & (np.arange(N) >= SINCE)
    assert np.array_equal(array(done.table, "label")[old], array(LOG, "label")[old])


def test_delayed_labels_take_as_many_times_as_long() -> None:
    """A label's age on arrival is three times what it was, its value the same."""
    changed = after(LabelDelay())
    ages = [
        np.asarray(pc.subtract(t["label_arrival_time"], t["event_time"])).astype(float)
        for t in (SOUND, changed)
    ]
    np.testing.assert_allclose(ages[1], 3 * ages[0], rtol=1e-9)
    assert changed["label"].equals(SOUND["label"])


@pytest.mark.parametrize(("severity", "rate"), [("low", 0.02), ("medium", 0.1), ("high", 0.3)])
def test_noise_turns_a_share_of_the_labels(severity: Any, rate: float) -> None:
    """Exactly the share of the labels is the other class."""
    changed = after(LabelNoise(severity=severity))
    assert (array(changed, "label") != array(SOUND, "label")).sum() == round(rate * SINCE)


def test_served_features_differ_from_those_logged() -> None:
    """Features are logged right, and half of the scores are of the median amount instead."""
    skewed = ServingSkew(columns=("amount",), model=HEALTHY.model)
    changed = after(skewed)
    assert changed["amount"].equals(SOUND["amount"])
    replayed = HEALTHY.model.score(changed)
    differs = array(changed, "score") != replayed
    assert differs.mean() == pytest.approx(0.5, abs=0.001)
    median = np.quantile(array(LOG, "amount")[:SINCE], 0.5, method="higher")
    served = changed.set_column(
        changed.schema.get_field_index("amount"), "amount", pa.array(np.full(SINCE, median))
    )
    expected = HEALTHY.model.score(served)
    np.testing.assert_allclose(array(changed, "score")[differs], expected[differs])


def test_served_features_can_be_declared() -> None:
    """What was served is the caller's to say."""
    skewed = ServingSkew(
        columns=("f2",),
        severity="high",
        model=HEALTHY.model,
        served=lambda t: t.set_column(t.schema.get_field_index("f2"), "f2", pc.negate(t["f2"])),
    )
    changed = after(skewed)
    undone = changed.set_column(
        changed.schema.get_field_index("f2"), "f2", pc.negate(changed["f2"])
    )
    np.testing.assert_array_equal(array(changed, "score"), HEALTHY.model.score(undone))


@pytest.mark.parametrize(("severity", "agreement"), [("low", 0.8), ("medium", 0.5), ("high", 0.0)])
def test_a_bad_deploy_scores_worse_under_a_new_version(severity: Any, agreement: float) -> None:
    """Log-odds agree with the old ones as declared; version, mean, spread and alert rate are told."""
    done = BadDeploy(severity=severity).apply(LOG, np.random.default_rng(5))
    changed = done.table.slice(SINCE)
    new, old = (np.log(s / (1 - s)) for s in (array(changed, "score"), array(SOUND, "score")))
    assert np.corrcoef(new, old)[0, 1] == pytest.approx(agreement, abs=0.02)
    assert (new.mean(), new.std()) == pytest.approx((old.mean(), old.std()), abs=0.03)
    assert set(changed["version"].to_pylist()) == {"2"}
    assert done.truth.parameters["version"] == "2"
    rates = [array(t, "prediction").mean() for t in (changed, SOUND)]
    assert rates[0] == pytest.approx(rates[1], abs=0.03)
    worth = roc_auc(array(SOUND, "label"), array(changed, "score"))
    assert worth < roc_auc(array(SOUND, "label"), array(SOUND, "score")) - 0.03


def test_a_deploy_of_a_given_model_serves_its_share() -> None:
    """The new version's rows have the given model's scores, the other rows the old ones."""
    worse = Model(lambda t: 1 / (1 + np.exp(-array(t, "f3"))), threshold=0.8)
    changed = after(BadDeploy(model=worse, traffic=0.25, version="canary"))
    new = np.asarray(pc.equal(changed["version"], "canary"))
    assert new.sum() == SINCE // 4
    expected = np.where(new, worse.score(SOUND), array(SOUND, "score"))
    np.testing.assert_array_equal(array(changed, "score"), expected)
    assert np.array_equal(array(changed, "prediction")[new] == 1, expected[new] >= 0.8)


def test_a_slow_dependency_adds_forty_percent() -> None:
    """Latencies are 40 % higher, the median as well as the tail."""
    ratio = array(after(SlowDependency()), "latency_ms") / array(SOUND, "latency_ms")
    np.testing.assert_allclose(ratio, 1.4)


def test_null_predictions_succeed_without_an_answer() -> None:
    """A tenth of the rows has neither score nor prediction, and the status of success."""
    changed = after(NullPredictions())
    assert changed["prediction"].null_count == SINCE // 10
    assert changed["score"].is_null().equals(changed["prediction"].is_null())
    assert set(changed["status"].to_pylist()) == {200}


def test_every_incident_is_measured_here() -> None:
    """No incident without a number."""
    assert {kind.__name__ for kind in INCIDENTS.values()} <= set(globals())
