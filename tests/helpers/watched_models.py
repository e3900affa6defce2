"""Models that a monitor watches, played from simulated logs, to show on the page."""

from datetime import timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel import ModelMonitor, MonitorConfig, Reference
from timonel.faults import (
    BadDeploy,
    Healthy,
    Incident,
    NullBurst,
    NullPredictions,
    Scenario,
    SlowDependency,
    SuddenConceptChange,
    UnitChange,
)

DAY = timedelta(days=1)
TRAFFIC = Healthy(rows=150_000, days=21, numeric=8)
CUT = TRAFFIC.start + 7 * DAY
"""The reference is what came before."""
DEPLOYED = CUT + 8 * DAY + timedelta(hours=10)
ONSET = CUT + 12 * DAY + timedelta(hours=9)
FEATURES = (*TRAFFIC.numeric_features, "channel", "country")
OUTCOMES = ("label", "label_event_time", "label_arrival_time")
SEED_INCIDENT = Scenario(
    (
        BadDeploy(onset=DEPLOYED, version="2", traffic=0.3, agreement=0.97),
        NullPredictions(onset=ONSET, rate=0.06),
        SlowDependency(onset=ONSET, increase=0.4),
        UnitChange(onset=ONSET - timedelta(hours=14), columns=("amount",), factor=1.35),
        NullBurst(onset=ONSET - timedelta(hours=14), columns=("f3",), rate=0.2),
        SuddenConceptChange(onset=ONSET - 2 * DAY, columns=("amount",)),
    )
)


def steady(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    """The same rows at other times, so that nothing wanders from day to day."""
    other = table.take(pa.array(rng.permutation(len(table))))
    for name in ("entity", *FEATURES, "score", "prediction", "label"):
        table = table.set_column(table.column_names.index(name), name, other[name])
    return table


@cache
def drawn(incident: Incident | Scenario | None = None) -> tuple[Reference, pa.Table]:
    """A labelled reference, and the two weeks after it of the same traffic."""
    rng = np.random.default_rng(1)
    table = steady(TRAFFIC.table(rng), rng)
    table = table if incident is None else incident.apply(table, rng).table
    before = pc.less(table["event_time"], pa.scalar(CUT, pa.timestamp("us", "UTC")))
    early = table.filter(before).select([*FEATURES, "prediction", "score", "label"])
    reference = Reference.fit(
        early, predictions="prediction", scores="score", labels="label", features=FEATURES
    )
    return reference, table.filter(pc.invert(before))


@cache
def played(incident: Incident | Scenario | None = None, name: str = "fraud") -> ModelMonitor:
    """A monitor that saw the two weeks, with the labels that had come by their end."""
    reference, log = drawn(incident)
    monitor = ModelMonitor(reference, MonitorConfig(name=name))
    rows = log.drop_columns([*OUTCOMES, "arrival_time", "model"])
    monitor.track_batch(rows.rename_columns({"event_time": "timestamp"}))
    kind = log["label_arrival_time"].type
    end = pa.scalar(CUT + 14 * DAY, kind)
    come = log.filter(pc.less(log["label_arrival_time"], end))
    monitor.track_labels(come.select(["prediction_id", "label", "label_arrival_time"]))
    return monitor


def learning() -> ModelMonitor:
    """A monitor without a reference that has seen three hours."""
    monitor = ModelMonitor(config=MonitorConfig(name="young"))
    log = drawn()[1].slice(0, 700).drop_columns([*OUTCOMES, "arrival_time", "model"])
    monitor.track_batch(log.rename_columns({"event_time": "timestamp"}))
    return monitor


def hostile(text: str) -> ModelMonitor:
    """A monitor to which a feature, a version and a class of a column were sent that are `text`."""
    rows = 2000
    rng = np.random.default_rng(3)
    seconds, begin = np.arange(rows) * 60, int(CUT.timestamp())
    frame = {
        "timestamp": pa.array((seconds + begin) * 1_000_000, pa.timestamp("us", "UTC")),
        text: rng.normal(size=rows),
        "country": rng.choice(["ES", text], rows),
        "prediction": rng.integers(0, 2, rows),
        "version": np.where(seconds < 60_000, "1", text),
    }
    features = {text: frame[text], "country": frame["country"]}
    monitor = ModelMonitor(Reference.fit(features), MonitorConfig(name=text))
    frame[text] = frame[text] + 3 * (seconds > 60_000)
    monitor.track_batch(frame)
    return monitor
