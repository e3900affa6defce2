"""ModelMonitor as its users call it: predictions and labels in; metrics, anomalies and the report out."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn import metrics as sk

from accounts import assert_nothing_lost
from timonel import DataContract, ModelMonitor, MonitorConfig, Reference
from timonel.anomalies import Anomaly, Phase
from timonel.config import Config
from timonel.contract.infer import infer_contract
from timonel.errors import BadInput
from timonel.faults import Incident, NullPredictions, SlowDependency, UnitChange
from timonel.performance.value import NotMeasured

START = datetime(2026, 1, 5, tzinfo=UTC)
FIRST = 1_767_571_200_000_000
MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000


def log(n: int = 3000, days: float = 2.0, seed: int = 0, rate: float = 0.3) -> pa.Table:
    """A healthy log in the order of time, without seasons: two features, scores that are calibrated."""
    rng = np.random.default_rng(seed)
    x, country = rng.normal(size=n), rng.choice(["ES", "FR", "PT"], n, p=[0.6, 0.3, 0.1])
    score = 1 / (1 + np.exp(-1.5 * x - np.log(rate / (1 - rate))))
    times = np.sort(rng.integers(FIRST, FIRST + round(days * DAY), n))
    return pa.table(
        {
            "prediction_id": [f"p{i}" for i in range(n)],
            "timestamp": pa.array(times, pa.timestamp("us", "UTC")),
            "prediction": (score >= 0.5).astype(np.int64),
            "actual": (rng.random(n) < score).astype(np.int64),
            "score": score,
            "latency_ms": np.round(rng.lognormal(2.5, 0.4, n), 3),
            "version": rng.choice(["1", "2"], n, p=[0.8, 0.2]),
            "status": rng.choice([200, 500, 504, 422], n, p=[0.96, 0.02, 0.01, 0.01]),
            "x": x,
            "country": country,
        }
    )


def one_by_one(monitor: ModelMonitor, table: pa.Table) -> None:
    """Track a table row by row."""
    parts = ("prediction_id", "timestamp", "score", "latency_ms", "version", "status")
    for row in table.to_pylist():
        features = {"x": row["x"], "country": row["country"]}
        metadata = {name: row[name] for name in parts} | {"features": features}
        monitor.track_prediction(row["prediction"], row["actual"], metadata)


def test_the_interface_word_for_word() -> None:
    """The names that users and other programs call work with no argument and with all of them."""
    monitor = ModelMonitor()
    table = log(400)
    one_by_one(monitor, table)
    monitor.track_batch(table.drop_columns("prediction_id"))
    metadata = {"prediction_id": "late", "timestamp": START + timedelta(days=1), "entity": "e1"}
    monitor.track_prediction(1, None, metadata)
    monitor.track_label("late", 1, START + timedelta(days=3))
    m = monitor.calculate_metrics(window_size="7d")
    for name in ("accuracy", "error_rate", "mean_latency_ms", "p95_latency_ms", "null_rate"):
        assert getattr(m, name).ok
    assert 0 < m.accuracy < 1
    assert m["f1"] == m.f1
    assert (m.n, m.n_labelled) == (801, 801)
    assert m.data_drift_score.state == "learning"
    assert isinstance(monitor.detect_anomalies(), list)
    assert monitor.report().startswith("<!doctype html>")
    settings = {
        "model": {"name": "m", "task": "binary"},
        "data": {"source": "log.parquet", "target": "actual", "time": "timestamp"},
    }
    contract: DataContract = infer_contract(table, Config.model_validate(settings))
    reference = Reference.fit(
        table, contract=contract, predictions=table["prediction"], labels=table["actual"]
    )
    again = ModelMonitor(reference=reference, config=MonitorConfig(window=timedelta(hours=1)))
    again.track_batch(table)
    assert again.calculate_metrics("7d").data_drift_score.ok


class Foreign:
    """A table of another library that can say itself in Arrow, such as a polars DataFrame."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def to_arrow(self) -> pa.Table:
        """The table."""
        return self._table


FRAMES: dict[str, Callable[[pa.Table], Any]] = {
    "Table": lambda t: t,
    "chunks": lambda t: pa.concat_tables([t.slice(0, 100), t.slice(100)]),
    "RecordBatch": lambda t: t.combine_chunks().to_batches()[0],
    "pandas": lambda t: t.to_pandas(),
    "pandas with an index": lambda t: t.to_pandas().set_index("prediction_id", drop=False)[::1],
    "to_arrow": Foreign,
    "mapping": lambda t: t.to_pydict(),
    "arrays": lambda t: {name: t[name].to_numpy() for name in t.column_names},
}


@pytest.mark.parametrize("kind", list(FRAMES))
def test_tables_of_any_make(kind: str) -> None:
    """The same rows give the same metrics, whichever library holds them."""
    table, found = log(), []
    for frame in (table, FRAMES[kind](table)):
        monitor = ModelMonitor(config=MonitorConfig(slices=("country",)))
        monitor.track_batch(frame)
        metrics = [
            monitor.calculate_metrics("7d"),
            monitor.calculate_metrics("7d", slice=("country", "PT")),
        ]
        found.append([m.to_dict() for m in metrics])
    assert found[0] == found[1]


@pytest.mark.parametrize("size", [7, 333, 2500, "rows"])
def test_the_cut_of_a_log_changes_nothing(size: int | str) -> None:
    """Batches of any size, and rows one by one, give equal metrics, anomalies and reference."""
    table = log(3500, days=3)
    table = table.set_column(2, "prediction", pc.cast(table["prediction"], pa.string()))
    config = MonitorConfig(slices=("country",))
    whole, cut = ModelMonitor(config=config), ModelMonitor(config=config)
    whole.track_batch(table)
    if size == "rows":
        one_by_one(cut, table)
    else:
        for start in range(0, len(table), int(size)):
            cut.track_batch(table.slice(start, int(size)))
    for monitor in (whole, cut):
        assert_nothing_lost(monitor, 3500, 3500)
    for asked in ({}, {"version": "2"}, {"slice": ("country", "FR")}):
        answers = [m.calculate_metrics("3d", **asked).to_dict() for m in (whole, cut)]
        assert answers[0] == answers[1]
    assert whole.reference is not None
    assert cut.reference is not None
    np.testing.assert_array_equal(whole.reference.counts, cut.reference.counts)
    found = [[a.to_dict() for a in m.detect_anomalies()] for m in (whole, cut)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("asked", "minutes"),
    [
        ({"window_size": "15min"}, (-15, 0)),
        ({"window_size": "1h"}, (-60, 0)),
        ({"window_size": timedelta(hours=2)}, (-120, 0)),
        ({}, (-1440, 0)),
        ({"window_size": "7d"}, (-10080, 0)),
        ({"start": START + timedelta(hours=30)}, (-1080, 0)),
        ({"start": START + timedelta(hours=30), "window_size": "1h"}, (-1080, -1020)),
        ({"end": "2026-01-06T12:00:00", "window_size": "1h"}, (-780, -720)),
        ({"start": 1_767_697_200, "end": START + timedelta(hours=36)}, (-780, -720)),
    ],
)
def test_windows(asked: dict[str, Any], minutes: tuple[int, int]) -> None:
    """A window is a length up to the newest event, or two ends; its rows are those of its minutes."""
    table = log(20_000)
    monitor = ModelMonitor()
    monitor.track_batch(table)
    end = FIRST + 2 * DAY
    times = np.asarray(table["timestamp"].cast(pa.int64()))
    low, high = (end + m * MINUTE for m in minutes)
    found = monitor.calculate_metrics(**asked)
    assert found.n == ((times >= low) & (times < high)).sum()
    assert found.end == START + timedelta(days=2, minutes=minutes[1])


@pytest.mark.parametrize("where", [{}, {"version": "2"}, {"slice": ("country", "FR")}])
@pytest.mark.parametrize("hours", [1, 30, 48])
def test_metrics_equal_those_of_scikit_learn(where: dict[str, Any], hours: int) -> None:
    """On the same rows: counts, rates and losses exactly, what is read from cells within its bound."""
    table = log(20_000)
    monitor = ModelMonitor(config=MonitorConfig(slices=("country",)))
    monitor.track_batch(table)
    found = monitor.calculate_metrics(f"{hours}h", **where)
    times = np.asarray(table["timestamp"].cast(pa.int64()))
    rows = times >= found.start.timestamp() * 1e6
    if where:
        name, value = ("version", "2") if "version" in where else ("country", "FR")
        rows &= table[name].to_numpy() == value
    column = {n: table[n].to_numpy()[rows] for n in table.column_names}
    actual, predicted, score = column["actual"], column["prediction"], column["score"]
    exact = {
        "accuracy": sk.accuracy_score(actual, predicted),
        "precision": sk.precision_score(actual, predicted),
        "recall": sk.recall_score(actual, predicted),
        "f1": sk.f1_score(actual, predicted),
        "fbeta": sk.fbeta_score(actual, predicted, beta=2),
        "base_rate": actual.mean(),
        "alert_rate": predicted.mean(),
        "brier": sk.brier_score_loss(actual, score),
        "log_loss": sk.log_loss(actual, score),
        "mean_latency_ms": column["latency_ms"].mean(),
        "error_rate": np.isin(column["status"], [500, 504]).mean(),
        "timeout_rate": (column["status"] == 504).mean(),
        "rejected_rate": (column["status"] == 422).mean(),
    }
    assert (found.n, found.n_labelled) == (rows.sum(), rows.sum())
    for name, value in exact.items():
        assert float(found[name]) == pytest.approx(value, abs=1e-6), name
    binned = {
        "roc_auc": sk.roc_auc_score(actual, score),
        "pr_auc": sk.average_precision_score(actual, score),
        "p95_latency_ms": np.quantile(column["latency_ms"], 0.95),
        "p50_latency_ms": np.quantile(column["latency_ms"], 0.5),
    }
    for name, value in binned.items():
        assert abs(float(found[name]) - value) <= found[name].to_dict()["bound"] + 1e-9, name


def test_late_labels_land_in_their_own_minute() -> None:
    """A label counts at the time of its prediction, not when it comes; before that nothing is labelled."""
    table = log(4000, days=10)
    times = np.asarray(table["timestamp"].cast(pa.int64()))
    early, late = ModelMonitor(), ModelMonitor()
    early.track_batch(table)
    late.track_batch(table.drop_columns("actual"))
    assert late.calculate_metrics("10d").n_labelled == 0
    assert late.calculate_metrics("10d").accuracy.state == "no data"
    arrived = pa.array(times + HOUR, pa.timestamp("us", "UTC"))
    labels = pa.table(
        {"prediction_id": table["prediction_id"], "label": table["actual"], "arrival_time": arrived}
    )
    late.track_labels(labels.take(np.random.default_rng(0).permutation(len(table))))
    for hours in (0, 100, 200):
        start = START + timedelta(hours=hours)
        whole, told = (m.calculate_metrics("2d", start=start) for m in (early, late))
        assert told.to_dict()["metrics"] == whole.to_dict()["metrics"]
    assert_nothing_lost(late, 4000, 4000)


def test_young_windows_wait_for_their_labels() -> None:
    """Where labels take long, quality of what is too young is "labels immature", never 0."""
    table = log(4000, days=10)
    monitor = ModelMonitor(config=MonitorConfig(label_maturity=timedelta(days=2)))
    times = np.asarray(table["timestamp"].cast(pa.int64()))
    old = times < FIRST + 7 * DAY
    actual = pc.if_else(pa.array(old), table["actual"], pa.scalar(None, pa.int64()))
    monitor.track_batch(table.set_column(3, "actual", actual))
    young = monitor.calculate_metrics("1d")
    assert young.accuracy.state == "labels immature"
    assert young.error_rate.ok
    assert any("quality" in warning for warning in young.warnings)
    assert monitor.calculate_metrics(end=START + timedelta(days=6)).accuracy.ok


def test_answers_are_json_and_frames() -> None:
    """to_dict holds JSON values without NaN; to_frame has a row a metric, in the ledger's columns."""
    monitor = ModelMonitor()
    monitor.track_batch(log(40))
    for m in (monitor.calculate_metrics("7d"), ModelMonitor().calculate_metrics()):
        assert json.loads(json.dumps(m.to_dict(), allow_nan=False)) == m.to_dict()
        frame = m.to_frame()
        names = ("metric", "value", "lower", "upper", "n", "state", "version", "slice")
        assert frame.column_names == [*names, "window_start", "window_end"]
        assert frame["metric"].to_pylist() == list(m)
        absent = [row for row in frame.to_pylist() if row["state"] != "ok"]
        assert absent
        assert all(row["value"] is None for row in absent)
        assert frame.to_pandas().shape == (len(list(m)), 10)


def test_metrics_are_numbers() -> None:
    """float, comparison and format work while there is a value; without one they say why, and never 0."""
    monitor = ModelMonitor()
    monitor.track_batch(log())
    m = monitor.calculate_metrics("7d")
    assert 0.5 < m.accuracy < 0.9
    assert float(m.accuracy) == m.accuracy
    assert m.accuracy.lower < m.accuracy < m.accuracy.upper
    assert f"{m.accuracy:.2f}" == f"{float(m.accuracy):.2f}"
    empty = ModelMonitor().calculate_metrics()
    assert empty.n == 0
    assert empty.accuracy != 0
    for use in (float, lambda v: v > 0.5, lambda v: f"{v:.2f}"):
        with pytest.raises(NotMeasured, match="no data"):
            use(empty.accuracy)
    with pytest.raises(AttributeError, match="acuracy"):
        _ = m.acuracy
    with pytest.raises(BadInput, match="acuracy"):
        _ = m["acuracy"]


def test_few_rows_have_counts_and_no_figures() -> None:
    """Of five rows n is told, and quality is "too few rows"."""
    monitor = ModelMonitor()
    monitor.track_batch(log(5))
    m = monitor.calculate_metrics("7d")
    assert (m.n, m.n_labelled) == (5, 5)
    assert m.accuracy.state == m.roc_auc.state == "too few rows"
    assert m.accuracy.n == 5


def test_a_monitor_without_a_reference_learns_one() -> None:
    """Until the first stable stretch is over the drift is "learning" and says how far; then a number."""
    table = log(9000, days=3)
    monitor = ModelMonitor()
    monitor.track_batch(table.slice(0, 1500))
    before = monitor.calculate_metrics("7d")
    assert before.data_drift_score.state == "learning"
    assert monitor.learning is not None
    assert any("1,500 of 2,000 rows" in warning for warning in before.warnings)
    assert "learning" in monitor.report().lower()
    monitor.track_batch(table.slice(1500))
    after = monitor.calculate_metrics("1d")
    assert monitor.learning is None
    assert monitor.reference is not None
    assert monitor.reference.learnt
    assert after.data_drift_score.ok
    assert float(after["drift[x]"]) < 0.2
    assert any("first stable stretch" in warning for warning in after.warnings)


def episodes(table: pa.Table, monitor: ModelMonitor, step: int = HOUR) -> list[Anomaly]:
    """What is told, hour by hour, each state of an episode once."""
    times = np.asarray(table["timestamp"].cast(pa.int64()))
    told: dict[tuple[object, ...], Anomaly] = {}
    for start in range(FIRST, int(times.max()) + 1, step):
        low, high = np.searchsorted(times, [start, start + step])
        monitor.track_batch(table.slice(low, high - low))
        for a in monitor.detect_anomalies():
            told.setdefault((a.what, a.where, a.since, a.phase), a)
    return list(told.values())


LAYOUT = {"onset": START + timedelta(days=3, hours=3), "end": START + timedelta(days=3, hours=9)}


def played(incident: Incident | None) -> tuple[list[Anomaly], ModelMonitor]:
    """Five days, 200 rows an hour, with an incident of six hours; against a reference of the same traffic."""
    table = log(24_000, days=5, seed=1)
    table = table.set_column(7, "status", pa.array(np.full(len(table), 200)))
    renamed = table.rename_columns(
        ["event_time" if n == "timestamp" else n for n in table.column_names]
    )
    if incident is not None:
        renamed = incident.apply(renamed, np.random.default_rng(2)).table
    table = renamed.rename_columns(table.column_names)
    other = log(20_000, seed=3)
    reference = Reference.fit(
        other.select(["x", "country"]), predictions=other["prediction"], labels=other["actual"]
    )
    monitor = ModelMonitor(reference, MonitorConfig(window=timedelta(hours=1)))
    return episodes(table, monitor), monitor


def test_no_anomaly_on_healthy_traffic() -> None:
    """Five days in which nothing happens have no episode."""
    found, monitor = played(None)
    assert [a.sentence for a in found] == []
    assert monitor.detect_anomalies() == []


@pytest.mark.parametrize(
    ("incident", "what"),
    [
        (NullPredictions(**LAYOUT, rate=0.3), "null_rate"),
        (SlowDependency(**LAYOUT, increase=1.0), "p50_latency_ms"),
        (UnitChange(**LAYOUT, columns=("x",), factor=100.0), "drift"),
    ],
)
def test_an_incident_is_one_episode(incident: Incident, what: str) -> None:
    """It opens within two windows of its onset, clears once within a day of its end, and is told in full."""
    found, monitor = played(incident)
    whole = [a for a in found if a.what == what and not (a.where.slice or a.where.version)]
    mine = [a for a in whole if a.where.feature in (None, "x")]
    assert len({a.since for a in mine}) == 1
    assert [a.cleared for a in mine] == [False] * (len(mine) - 1) + [True]
    first = mine[0]
    delay = first.since - LAYOUT["onset"]
    assert -timedelta(hours=1) <= delay <= timedelta(hours=2)
    assert first.observed.ok
    assert first.evidence
    assert first.next_step
    assert LAYOUT["end"] <= mine[-1].updated <= LAYOUT["end"] + timedelta(days=1)
    assert monitor.detect_anomalies() == []


def test_an_anomaly_gets_worse_once() -> None:
    """A rate that rises again during its episode is told as worse, in the same episode."""
    low = NullPredictions(**LAYOUT, rate=0.05)
    high = NullPredictions(**{**LAYOUT, "onset": START + timedelta(days=3, hours=6)}, rate=0.6)
    table = low.then(high)
    found, _ = played(table)  # type: ignore[arg-type]
    phases = [a.phase for a in found if a.what == "null_rate" and a.where.version is None]
    assert phases == [Phase.OPEN, Phase.WORSE, Phase.CLEARED]


def test_the_report_tells_the_verdict_and_escapes_names() -> None:
    """The page says whether all is well; names from the data cannot add markup to it."""
    hostile = "<script>alert('x')</script>"
    table = log().rename_columns([hostile if n == "x" else n for n in log().column_names])
    other = log(seed=5).rename_columns(table.column_names)
    config = MonitorConfig(slices=("country",), name="<b>fraud</b>")
    monitor = ModelMonitor(Reference.fit(other.select([hostile, "country"])), config)
    monitor.track_batch(table)
    monitor.track_prediction(1, 1, {"timestamp": START, "version": hostile})
    page = monitor.report()
    assert hostile not in page
    assert "<b>fraud" not in page
    assert "&lt;script&gt;" in page
    assert monitor.view().n == 3001


def test_classes_that_are_texts() -> None:
    """A model whose two outcomes are texts has the binary metrics, the positive one named last."""
    table, names = log(), np.array(["ham", "spam"])
    texts = {n: pa.array(names[table[n].to_numpy()]) for n in ("prediction", "actual")}
    columns = {n: texts.get(n, table[n]) for n in table.column_names}
    monitor = ModelMonitor(config=MonitorConfig(classes=("ham", "spam"), task="binary"))
    monitor.track_batch(columns)
    plain = ModelMonitor()
    plain.track_batch(table)
    found, expected = (m.calculate_metrics("7d").to_dict()["metrics"] for m in (monitor, plain))
    assert found == expected


def test_several_classes() -> None:
    """Three classes are told from the outcomes; figures equal scikit-learn's."""
    rng = np.random.default_rng(0)
    actual = rng.choice(["cat", "dog", "eel"], 3000, p=[0.5, 0.4, 0.1])
    predicted = np.where(rng.random(3000) < 0.7, actual, rng.choice(["cat", "dog", "eel"], 3000))
    monitor = ModelMonitor()
    monitor.track_batch(
        {"timestamp": 1.77e9 + np.arange(3000), "prediction": predicted, "actual": actual}
    )
    m = monitor.calculate_metrics("1d")
    assert float(m.accuracy) == pytest.approx(sk.accuracy_score(actual, predicted))
    assert float(m.macro_f1) == pytest.approx(sk.f1_score(actual, predicted, average="macro"))
    recalls = sk.recall_score(actual, predicted, average=None)
    for name, recall in zip(("cat", "dog", "eel"), recalls, strict=True):
        assert float(m[f"recall[{name}]"]) == pytest.approx(recall)


def test_labels_that_the_action_suppresses() -> None:
    """Blocked positives never get a label: without an exploration slice there is a warning, no precision."""
    table = log(5000)
    blocked = table["prediction"].to_numpy() == 1
    actual = pa.array(table["actual"].to_numpy(), mask=blocked)
    monitor = ModelMonitor(config=MonitorConfig(suppressed="positive"))
    monitor.track_batch(table.set_column(3, "actual", actual))
    m = monitor.calculate_metrics("7d")
    assert any("explor" in warning for warning in m.warnings)
    assert not m.precision.ok
    assert not m.recall.ok


def test_many_versions_and_slices_add_up() -> None:
    """The versions' rows, and the slices', are those of the whole."""
    monitor = ModelMonitor(config=MonitorConfig(slices=("country",)))
    monitor.track_batch(log())
    whole = monitor.calculate_metrics("7d").n
    assert sum(monitor.calculate_metrics("7d", version=v).n for v in "12") == whole
    slices = [monitor.calculate_metrics("7d", slice={"country": c}).n for c in ("ES", "FR", "PT")]
    assert sum(slices) == whole
    both = [monitor.calculate_metrics("7d", version=v, slice=("country", "ES")).n for v in "12"]
    assert sum(both) == slices[0]
