"""A ledger folds into what one monitor would have counted, however the work is cut."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from folded import CONFIG, assert_same, job_of, reference, watched, write_log
from ledgers import START, ledger_at, rows
from timonel import ModelMonitor, MonitorConfig
from timonel.errors import BadInput, Corrupt
from timonel.fold import local, matching
from timonel.fold.job import FoldJob, Selection
from timonel.fold.local import fold_local
from timonel.fold.matching import latest
from timonel.fold.plan import DAY_TOO_FAR_AHEAD
from timonel.ledger import Ledger
from timonel.monitor.parcel import Parcel
from timonel.reference.catalogue import Catalogue
from timonel.terms import Task

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Four days with labels in later days' files, repeated ids and corrections."""
    return write_log(tmp_path_factory.mktemp("fold") / "ledger")


@pytest.fixture(scope="module")
def expected(ledger: Ledger) -> Parcel:
    """What one monitor counts of it."""
    return watched(ledger)


def test_a_fold_counts_what_a_monitor_counts(ledger: Ledger, expected: Parcel) -> None:
    """Service, outcomes by the latest label, features and slices; and labels that are still to come."""
    found = fold_local(job_of(ledger), workers=1)
    assert_same(found, expected)
    counted = found.state.sums(0, found.newest + 1)
    assert 500 < counted.n_labelled < counted.n == 3000


def test_neither_cuts_nor_workers_nor_compaction_change_a_count(
    tmp_path: Path, expected: Parcel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file a share, two processes, one large file a day: the same counts."""
    ledger = write_log(tmp_path / "ledger")
    assert_same(fold_local(job_of(ledger), workers=2), expected)
    monkeypatch.setattr(local, "SHARE", 800)
    monkeypatch.setattr(local, "SPREAD", 100)
    monkeypatch.setattr(matching, "ROUNDS", 3)
    assert_same(fold_local(job_of(ledger), workers=1), expected)
    ledger.compact()
    assert_same(fold_local(job_of(ledger), workers=1), expected)


@pytest.mark.parametrize("span", [(None, 2.4), (1.3, None), (1.0, 2.0), (0.9, 1.1)])
def test_a_span_is_taken_to_the_microsecond(
    ledger: Ledger, span: tuple[float | None, float | None]
) -> None:
    """Of days that are partly in it the rows that are; labels from outside of it still count."""
    start, end = (None if at is None else START + at * DAY for at in span)
    expected = watched(ledger, start=start, end=end)
    assert_same(fold_local(job_of(ledger, start=start, end=end), workers=1), expected)


def test_one_model_and_one_version_can_be_chosen(ledger: Ledger) -> None:
    """Rows of the others are not counted anywhere."""
    assert_same(fold_local(job_of(ledger, model="fraud"), 1), watched(ledger, model="fraud"))
    one = fold_local(job_of(ledger, model="fraud", version="4"), 1)
    assert one.state.versions() == ["4"]
    whole = fold_local(job_of(ledger, model="fraud"), 1).state
    assert one.rows == whole.sums(0, one.newest + 1, "4").n


def test_progress_tells_every_row_once(ledger: Ledger) -> None:
    """With labels each row is read twice, and counts half each time."""
    told: list[float] = []
    fold_local(job_of(ledger), 1, advance=told.append)
    assert sum(told) == 3000


def test_a_feature_that_came_later_is_missing_before(tmp_path: Path) -> None:
    """Files from before it was logged lack its column."""
    ledger = ledger_at(tmp_path / "ledger")
    ledger.append("predictions", rows(0, 40))
    ledger.append("predictions", rows(40, 40) | {"amount": [1.0] * 40, "country": ["ES"] * 40})
    assert_same(fold_local(job_of(ledger), workers=1), watched(ledger))


def test_an_empty_ledger_folds_to_nothing(tmp_path: Path) -> None:
    """One that was never written, one whose rows were erased, and a span without rows."""
    ledger = ledger_at(tmp_path / "ledger")
    assert fold_local(job_of(ledger)).rows == 0
    ledger.append("predictions", rows(0, 30, entity="card-1"))
    ledger.append("labels", {"prediction_id": ["p1"], "label": [1], "event_time": [START]})
    assert fold_local(job_of(ledger, start=START + 9 * DAY)).rows == 0
    ledger.erase("card-1", START, "r")
    found = fold_local(job_of(ledger))
    assert (found.rows, found.newest) == (0, -1)


def test_a_few_rows_of_the_far_future_age_nothing(tmp_path: Path) -> None:
    """A date that stands for none is left out and counted; traffic that came back after a pause is not."""
    ledger = ledger_at(tmp_path / "ledger")
    ledger.append("predictions", rows(0, 60))
    ledger.append("predictions", rows(60, 5) | {"event_time": [START + 20_000 * DAY] * 5})
    found = fold_local(job_of(ledger), workers=1)
    assert (found.rows, found.rejected) == (60, {DAY_TOO_FAR_AHEAD: 5})
    assert int(found.state.expired.sum()) == 0
    back = {"event_time": [START + 10 * DAY] * 30}
    ledger.append("predictions", rows(70, 30) | back)
    assert fold_local(job_of(ledger), workers=1).rows == 90


def test_a_state_goes_on_with_labels_that_come_later(tmp_path: Path) -> None:
    """A monitor that takes it over labels predictions of the ledger."""
    ledger = ledger_at(tmp_path / "ledger")
    ledger.append("predictions", rows(0, 100))
    monitor = ModelMonitor(reference(), CONFIG)
    monitor.merge(Parcel.from_bytes(fold_local(job_of(ledger), workers=1).to_bytes()))
    monitor.track_labels({"prediction_id": ["p1", "p2"], "actual": [1, 1]})
    assert monitor.calculate_metrics("1d").n_labelled == 2


def test_rows_older_than_the_retention_are_counted_as_expired(tmp_path: Path) -> None:
    """As a monitor counts them, whichever process folds them."""
    ledger = ledger_at(tmp_path / "ledger")
    ledger.append("predictions", rows(0, 300, days=60))
    found = fold_local(job_of(ledger), workers=1)
    assert_same(found, watched(ledger))
    assert int(found.state.expired[0]) > 100


def test_of_several_labels_the_last_to_arrive_stands() -> None:
    """Of those at once the last that happened, then the greatest by its bytes; none beats any."""
    when = [START, START + DAY]
    labels = pa.table(
        {
            "prediction_id": ["a", "a", "b", "b", "c", "c", "d", "d", "e"],
            "label": ["1", "0", "1", "0", "é", "z", None, "1", "0"],
            "event_time": [when[0]] * 2 + [when[1], when[0]] + [when[0]] * 5,
            "arrival_time": [when[0], when[1]] + [when[0]] * 7,
        }
    )
    found = latest(labels)
    said = dict(zip(found["prediction_id"].to_pylist(), found["label"].to_pylist(), strict=True))
    assert said == {"a": "0", "b": "1", "c": "é", "d": None, "e": "0"}


def test_a_ranker_is_folded_from_its_lists(tmp_path: Path) -> None:
    """Predictions and labels that the ledger keeps as JSON."""
    ledger = ledger_at(tmp_path / "ledger")
    shown = [["a", "b"], ["b", "c"], ["c", "a"]] * 20
    ledger.append("predictions", rows(0, 60) | {"prediction": shown})
    ledger.append(
        "labels",
        {"prediction_id": ["p1", "p2"], "label": [["b"], ["a"]], "event_time": [START] * 2},
    )
    known = replace(reference(), task=Task.RANKING, catalogue=Catalogue.of_lists(shown))
    config = MonitorConfig(task=Task.RANKING)
    found = fold_local(FoldJob.of(ledger.place, config, known), workers=1)
    counted = found.state.sums(0, found.newest + 1)
    assert (counted.n, counted.n_labelled) == (60, 2)


def test_it_must_be_known_what_the_model_predicts(tmp_path: Path) -> None:
    """Parts that are folded apart cannot each guess it."""
    with pytest.raises(BadInput, match="what the model predicts"):
        FoldJob.of(ledger_at(tmp_path).place, CONFIG.model_copy(update={"task": None}))


def test_a_span_must_not_end_before_it_starts() -> None:
    """Nothing could lie in it."""
    with pytest.raises(BadInput, match="later than its start"):
        Selection(start=START + DAY, end=START)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_is_gone_is_told(tmp_path: Path, workers: int) -> None:
    """Whichever process reads it, and nothing is left behind."""
    ledger = write_log(tmp_path / "ledger", rows=400)
    next((tmp_path / "ledger/predictions").glob("*/*.parquet")).unlink()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(Corrupt, match=re.escape(str(tmp_path / "ledger"))):
        fold_local(job_of(ledger), workers, scratch)
    assert not list(scratch.iterdir())
