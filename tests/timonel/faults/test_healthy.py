"""The healthy log: what it must hold so that an incident in it is the only thing wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from incident_cases import roc_auc, serialised
from timonel.errors import BadInput
from timonel.faults import Healthy, Log, join_labels, labels_arrived, split_labels

WEEKS = Healthy(rows=100_000, days=28)
LOG = WEEKS.table(np.random.default_rng(1))
HOURS = np.asarray(LOG["event_time"]).astype("datetime64[h]").astype(int)


def array(name: str) -> np.ndarray[Any, Any]:
    """A column of the log as numpy."""
    return np.asarray(LOG[name])


def test_the_columns_are_those_of_the_ledger() -> None:
    """The log splits into the ledger's predictions and labels, and joins again to itself."""
    log = split_labels(LOG)
    assert log.predictions.column_names == [
        *("prediction_id", "event_time", "arrival_time", "model", "version", "entity"),
        *(*WEEKS.numeric_features, "channel", "country"),
        *("score", "prediction", "latency_ms", "status"),
    ]
    assert log.labels.column_names == ["prediction_id", "label", "event_time", "arrival_time"]
    assert join_labels(log).equals(LOG)


def test_the_score_is_calibrated() -> None:
    """In each tenth of the scores as many labels are positive as the scores say."""
    order = np.argsort(array("score"))
    for tenth in np.array_split(order, 10):
        label, score = array("label")[tenth], array("score")[tenth]
        assert abs((label - score).sum()) < 4 * np.sqrt((score * (1 - score)).sum())


@pytest.mark.parametrize("base_rate", [0.01, 0.1, 0.5])
def test_the_base_rate_is_the_one_asked_for(base_rate: float) -> None:
    """Rare and even classes, with a score that is worth something."""
    asked = Healthy(rows=50_000, base_rate=base_rate)
    log = asked.table(np.random.default_rng(2))
    assert np.asarray(log["score"]).mean() == pytest.approx(base_rate, rel=0.15)
    assert 0.75 < roc_auc(np.asarray(log["label"]), np.asarray(log["score"])) < 0.9


def test_scores_and_predictions_are_the_models() -> None:
    """Replaying the model on the logged features gives the logged scores to the bit."""
    assert np.array_equal(WEEKS.model.score(LOG), array("score"))
    assert np.array_equal(array("score") >= WEEKS.model.threshold, array("prediction") == 1)


def test_traffic_has_days_and_weeks() -> None:
    """Afternoons are busier than nights, weekends half as busy; rows are in the order of time."""
    times = array("event_time").astype("datetime64[us]").astype(np.int64)
    assert (np.diff(times) >= 0).all()
    by_hour = np.bincount(HOURS % 24, minlength=24)
    assert by_hour[15] > 4 * by_hour[3]
    weekday = (HOURS // 24 + 3) % 7
    by_day = np.bincount(weekday, minlength=7)
    assert by_day[5:].mean() / by_day[:5].mean() == pytest.approx(0.5, abs=0.02)
    assert times[-1] - times[0] < timedelta(days=28) / timedelta(microseconds=1)


def test_features_wander_slowly_and_with_the_day() -> None:
    """Hourly means of a feature remember the hour before, and follow the time of day."""
    hour = HOURS - HOURS[0]
    counts = np.bincount(hour)
    means = np.bincount(hour, array("f2")) / np.maximum(counts, 1)
    means = means[counts > 20]
    assert np.corrcoef(means[1:], means[:-1])[0, 1] > 0.6
    by_hour = [array("f2")[h == HOURS % 24].mean() for h in (3, 15)]
    assert by_hour[1] - by_hour[0] == pytest.approx(2 * np.sqrt(0.2), abs=0.25)


def test_entities_have_values_of_their_own() -> None:
    """Half of a feature's variance is between entities; activity is uneven, a country is an entity's."""
    _, entity = np.unique(array("entity").astype(str), return_inverse=True)
    count = np.bincount(entity)
    mean = np.bincount(entity, array("f2")) / count
    between = np.average((mean - array("f2").mean()) ** 2, weights=count)
    assert between / array("f2").var() == pytest.approx(0.5, abs=0.1)
    assert np.sort(count)[-len(count) // 10 :].sum() > 0.3 * len(entity)
    pairs = LOG.group_by(["entity", "country"]).aggregate([])
    assert pairs.num_rows == len(count)


def test_labels_come_later() -> None:
    """A label is known a day after its event on average, and arrives within the hour after that."""
    delay = np.asarray(pc.subtract(LOG["label_event_time"], LOG["event_time"])) / np.timedelta64(
        1, "h"
    )
    assert delay.mean() == pytest.approx(24, rel=0.03)
    lag = np.asarray(pc.subtract(LOG["label_arrival_time"], LOG["label_event_time"]))
    assert (lag >= np.timedelta64(0)).all()
    assert (lag < np.timedelta64(1, "h")).all()


def test_the_log_can_be_seen_as_it_was_then() -> None:
    """Labels that had not arrived are missing, all others are there."""
    then = WEEKS.start + timedelta(days=14)
    seen = labels_arrived(LOG, then)
    there = seen["label"].is_valid()
    assert there.equals(pc.less_equal(LOG["label_arrival_time"], then))
    assert seen["label_arrival_time"].is_valid().equals(there)
    assert split_labels(seen).labels.num_rows == pc.sum(there).as_py()


def test_the_same_seed_gives_the_same_log() -> None:
    """Bytes are equal for equal seeds and differ for others."""
    small = Healthy(rows=500)
    first, again, other = (serialised(small.table(np.random.default_rng(s))) for s in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_rows_are_a_log_too(rows: int) -> None:
    """An empty log has all columns with their types."""
    log = Healthy(rows=rows).table(np.random.default_rng(0))
    assert (log.num_rows, log.schema.types) == (rows, LOG.schema.types)


def test_as_many_features_as_asked_for() -> None:
    """Thirty numeric features have distinct names, and the base rate holds."""
    wide = Healthy(rows=20_000, numeric=30)
    log = wide.table(np.random.default_rng(0))
    assert len(set(wide.numeric_features)) == 30
    assert np.asarray(log["score"]).mean() == pytest.approx(0.1, rel=0.15)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": -1},
        {"days": 0},
        {"numeric": 0},
        {"entities": 0},
        {"base_rate": 1.0},
        {"start": datetime(2026, 1, 5)},
    ],
)
def test_impossible_logs_are_refused(wrong: dict[str, Any]) -> None:
    """A wrong setting is named."""
    with pytest.raises(BadInput, match=next(iter(wrong))):
        Healthy(**wrong)


def test_a_corrected_label_counts_and_an_unknown_one_does_not() -> None:
    """Of several labels of a prediction the one that came last is taken."""
    at = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    labels = pa.table(
        {"prediction_id": ["a", "a", "x"], "label": [0, 1, 1], "event_time": at, "arrival_time": at}
    )
    joined = join_labels(Log(pa.table({"prediction_id": ["b", "a"]}), labels))
    assert joined["label"].to_pylist() == [None, 1]
    assert joined["label_arrival_time"].to_pylist() == [None, at[1]]
    with pytest.raises(BadInput, match=r"labels: no column event_time"):
        join_labels(Log(joined, labels.drop_columns(["event_time"])))
