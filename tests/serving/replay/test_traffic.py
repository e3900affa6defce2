"""What a drill sends: its times, its labels, its events."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from timonel.errors import BadInput
from timonel_serving.detector.events import read_events
from timonel_serving.detector.half import Half, Kind
from timonel_serving.replay.messages import KIND, events, labels
from timonel_serving.replay.traffic import Plan, draw

START = datetime(2026, 3, 1, tzinfo=UTC)
PLAN = Plan(START, days=14, rows=20_000, label_delay=timedelta(days=3))
EXAMINED = pa.table({"amount": [1.5, None, 3.0], "country": ["ES", "FR", None], "label": [0, 1, 0]})


def drawn(plan: Plan = PLAN, seed: int = 0) -> pa.Table:
    """A log of the three rows."""
    return draw(EXAMINED, plan, 2.5, np.random.default_rng(seed))


def test_times_fill_the_plan_in_order_with_fewer_at_night() -> None:
    """Rows come ascending, within the days asked for; the quietest six hours have under a fifth."""
    hours = np.asarray(drawn()["event_time"].cast(pa.int64())) / 3.6e9 - START.timestamp() / 3600
    assert (np.diff(hours) >= 0).all()
    assert hours[0] >= 0
    assert hours[-1] < 14 * 24
    assert hours[-1] > 13.9 * 24
    assert np.mean(hours % 24 < 6) < 0.2


def test_the_same_seed_draws_the_same_traffic() -> None:
    """A drill can be repeated to the bit, and another seed is another drill."""
    assert drawn().equals(drawn())
    assert not drawn().equals(drawn(seed=1))


def test_labels_come_within_their_delay() -> None:
    """Half of the labels arrive in a quarter of the delay, all by its end."""
    log = drawn()
    arrived, made = (
        np.asarray(log[name].cast(pa.int64())) for name in ("label_arrival_time", "event_time")
    )
    days = (arrived - made) / 86.4e9
    assert days.max() <= 3
    assert days.min() >= 0
    assert np.median(days) == pytest.approx(0.75, abs=0.03)


def test_rows_without_a_label_are_refused() -> None:
    """A drill whose truth is not known is none."""
    with pytest.raises(BadInput, match="no label"):
        draw(EXAMINED.drop_columns(["label"]), PLAN, 1.0, np.random.default_rng(0))


def test_the_detector_reads_the_events_as_they_were_meant() -> None:
    """Each row becomes a request and a response with its id, time, version, latency and status."""
    rows = drawn().slice(0, 3)
    for name, column in {"score": [0.1, 0.9, None], "prediction": [0, 1, None]}.items():
        rows = rows.append_column(name, pa.array(column))
    rows = rows.append_column("version", pa.array(["7"] * 3))
    found = list(read_events({"content-type": KIND}, events(rows, "fraud", ["amount", "country"])))
    halves = [half for half in found if isinstance(half, Half)]
    assert [half.kind for half in halves] == [Kind.REQUEST, Kind.RESPONSE] * 3
    first, answer = halves[:2]
    given = rows.slice(0, 1).select(["amount", "country"]).to_pylist()
    assert first.document == {"instances": given}
    assert first.id == answer.id == rows["prediction_id"][0].as_py()
    assert first.time == rows["event_time"].cast(pa.int64())[0].as_py()
    assert answer.document == {"predictions": [0], "scores": [0.1]}
    assert (answer.version, answer.status, answer.model) == ("7", 200, "fraud")
    assert answer.latency_ms == pytest.approx(rows["latency_ms"][0].as_py(), abs=1e-3)


def test_labels_are_a_table_that_names_their_arrival() -> None:
    """The monitor is told the prediction, the outcome and when it became known."""
    rows = drawn().slice(0, 5)
    table = pq.read_table(pa.BufferReader(labels(rows)))
    assert table.column_names == ["prediction_id", "label", "arrival_time"]
    assert table["label"].equals(rows["label"])
    assert (
        table["arrival_time"].cast(pa.int64()).equals(rows["label_arrival_time"].cast(pa.int64()))
    )
