"""A ledger replays as the log that it was written from."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from ledgers import START, ledger_at, rows
from timonel import ModelMonitor, MonitorConfig
from timonel.ledger import Ledger

DAY = timedelta(days=1)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Four days of predictions, written in no order; labels for some, late and corrected."""
    made = ledger_at(tmp_path / "ledger")
    whole = pa.table(rows(0, 400, days=4))
    for part in (3, 0, 2, 1):
        made.append("predictions", whole.slice(part * 100, 100))
    made.append(
        "labels",
        {
            "prediction_id": ["p10", "p10", "p10", "p20", "p399", "stranger"],
            "label": [0, 1, 0, 1, 1, 1],
            "event_time": [START] * 6,
            "arrival_time": [START + d * DAY for d in (1, 5, 3, 2, 4, 1)],
        },
    )
    return made


def replayed(ledger: Ledger, **options: object) -> pa.Table:
    return pa.Table.from_batches(ledger.read_log(**options))  # type: ignore[arg-type]


def test_predictions_come_by_event_time_each_once(ledger: Ledger) -> None:
    """However they were written, and whether they have a label or several."""
    table = replayed(ledger)
    assert table["prediction_id"].to_pylist() == [f"p{i}" for i in range(400)]
    assert "partition_date" not in table.column_names


def test_the_label_that_arrived_last_counts(ledger: Ledger) -> None:
    """A correction wins over what it corrects, whenever it was written; no label is null."""
    labels = dict(
        zip(*(replayed(ledger)[n].to_pylist() for n in ("prediction_id", "label")), strict=True)
    )
    assert {k: v for k, v in labels.items() if v is not None} == {
        "p10": "1",
        "p20": "1",
        "p399": "1",
    }


def test_only_labels_that_had_arrived_are_told(ledger: Ledger) -> None:
    """With `as_of` a backtest sees what was known at that time."""
    table = replayed(ledger, as_of=START + 4 * DAY)
    known = [r for r in table.select(["prediction_id", "label"]).to_pylist() if r["label"]]
    assert known == [{"prediction_id": "p10", "label": "0"}, {"prediction_id": "p20", "label": "1"}]


def test_a_span_is_cut_to_the_moment(ledger: Ledger) -> None:
    """The start is in, the end is out, naive times are UTC."""
    first, stop = (START + 0.5 * DAY).replace(tzinfo=None), START + 2.25 * DAY
    ids = replayed(ledger, start=first, end=stop)["prediction_id"].to_pylist()
    assert ids == [f"p{i}" for i in range(50, 225)]


def test_one_model_of_several(ledger: Ledger) -> None:
    """Another model's predictions are left out."""
    ledger.append("predictions", rows(1000, 5) | {"model": ["spam"] * 5})
    assert replayed(ledger, model="spam").num_rows == 5
    assert replayed(ledger, model="fraud").num_rows == 400


def test_an_empty_ledger_replays_nothing(tmp_path: Path) -> None:
    """No table, no batch, no error."""
    assert list(ledger_at(tmp_path / "none").read_log()) == []


def test_a_monitor_says_the_same_of_a_ledger_as_of_the_log(ledger: Ledger) -> None:
    """Metrics from the ledger are those of the rows that were written to it."""
    log = pa.table(rows(0, 400, days=4))
    labels = [None] * 400
    labels[10], labels[20], labels[399] = 1, 1, 1
    config = MonitorConfig(classes=("0", "1"))
    direct, from_ledger = ModelMonitor(config=config), ModelMonitor(config=config)
    direct.track_batch(log.append_column("label", pa.array(labels, pa.int64())))
    for batch in ledger.read_log():
        from_ledger.track_batch(batch)
    ends = {"start": START, "end": START + 4 * DAY}
    one, other = direct.calculate_metrics(**ends), from_ledger.calculate_metrics(**ends)
    for name in ("accuracy", "alert_rate", "mean_score", "label_share", "throughput_per_s"):
        assert one[name] == other[name], name
    assert other["alert_rate"].ok
    assert not other.rejected


def test_lists_of_items_come_back_as_lists(tmp_path: Path) -> None:
    """What a ranker proposed, and what was chosen: one item or several."""
    ledger = ledger_at(tmp_path / "ledger")
    lists = [["b", "a"], ["c"], None]
    ledger.append(
        "predictions",
        {"prediction_id": ["x", "y", "z"], "event_time": [START] * 3, "prediction": lists},
    )
    ledger.append(
        "labels", {"prediction_id": ["x", "y"], "label": ["a", "c"], "event_time": [START] * 2}
    )
    table = replayed(ledger, lists=True)
    assert table["prediction"].to_pylist() == lists
    assert table["label"].to_pylist() == [["a"], ["c"], None]
