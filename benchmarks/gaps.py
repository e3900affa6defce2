"""Realised less estimated accuracy on streams: false alarms, and how soon a concept change shows.

Run: python benchmarks/gaps.py [seeds], as `make bench-gaps` does. Ten days are the reference; the twenty that
follow are played half a day at a time, labels a day late on average, with a change after ten of them or none.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from timonel import ModelMonitor, Reference
from timonel.anomalies import Anomaly, Phase
from timonel.faults import Healthy, SuddenConceptChange

DAY = timedelta(days=1)
TRAFFIC = Healthy(rows=180_000, days=30, numeric=3)
CUT = TRAFFIC.start + 10 * DAY
END = TRAFFIC.start + 30 * DAY
ONSET = CUT + 10 * DAY
FEATURES = (*TRAFFIC.numeric_features, "channel", "country")
OUTCOMES = ("label", "label_event_time", "label_arrival_time")
CHANGES = {"none": None} | {
    f"effect of amount falls by {weight:g} a sd": SuddenConceptChange(
        columns=("amount",), onset=ONSET, weight=weight
    )
    for weight in (1.0, 2.0, 4.0)
}


@dataclass
class Found:
    """What the monitor said of the streams of one kind."""

    opened: Counter[str] = field(default_factory=Counter)
    """Quality anomalies that opened before the change, by metric."""
    first: list[float | None] = field(default_factory=list)
    """Of each stream: days from the change to the end of the first window whose accuracy gap is off."""
    told: list[float] = field(default_factory=list)
    """Days from the change until it was said."""
    distrusted: int = 0


def stream(seed: int, change: SuddenConceptChange | None) -> tuple[Reference, pa.Table]:
    """A labelled reference and what follows it."""
    rng = np.random.default_rng(seed)
    table = TRAFFIC.table(rng)
    table = table if change is None else change.apply(table, rng).table
    before = pc.less(table["event_time"], pa.scalar(CUT, pa.timestamp("us", "UTC")))
    early = table.filter(before).select([*FEATURES, "prediction", "score", "label"])
    reference = Reference.fit(
        early, predictions="prediction", scores="score", labels="label", features=FEATURES
    )
    return reference, table.filter(pc.invert(before))


def between(table: pa.Table, column: str, start: datetime, end: datetime) -> pa.Table:
    """The rows whose time lies in [start, end)."""
    at, kind = table[column], table[column].type
    late = pc.greater_equal(at, pa.scalar(start, kind))
    return table.filter(pc.and_(late, pc.less(at, pa.scalar(end, kind))))


def played(monitor: ModelMonitor, log: pa.Table) -> Iterator[tuple[datetime, Anomaly]]:
    """What was told, and when."""
    rows = log.drop_columns([*OUTCOMES, "arrival_time", "model"])
    for start in (CUT + step * DAY / 2 for step in range(40)):
        end = start + DAY / 2
        part = between(rows, "event_time", start, end)
        monitor.track_batch(part.rename_columns({"event_time": "timestamp"}))
        come = between(log, "label_arrival_time", start, end)
        monitor.track_labels(come.select(["prediction_id", "label", "label_arrival_time"]))
        yield from ((end, anomaly) for anomaly in monitor.detect_anomalies())


def watched(seed: int, change: SuddenConceptChange | None, found: Found) -> None:
    """Play one stream and add up what was said."""
    reference, log = stream(seed, change)
    monitor, until = ModelMonitor(reference), END if change is None else ONSET - DAY / 4
    seen: set[tuple[str, datetime]] = set()
    first: float | None = None
    for at, anomaly in played(monitor, log):
        what = (anomaly.what, anomaly.since)
        if anomaly.phase is not Phase.OPEN or what in seen or anomaly.what == "drift":
            continue
        seen.add(what)
        if anomaly.since < until:
            found.opened[anomaly.what] += 1
        elif anomaly.what == "accuracy_gap" and first is None:
            first = (anomaly.updated - ONSET) / DAY
            found.told.append((at - ONSET) / DAY)
    found.first.append(first)
    found.distrusted += not monitor.calculate_metrics("1d")["estimated_accuracy"].to_dict()[
        "trusted"
    ]


def main(seeds: int = 10) -> None:
    """Print a row a kind of change."""
    began = time.perf_counter()
    print("| change | streams | gap alarms before | other quality alarms before | ", end="")
    print("gap shows within a day | told after, median | distrusted at the end |")
    print("|---|---|---|---|---|---|---|")
    for name, change in CHANGES.items():
        found = Found()
        for seed in range(1, seeds + 1):
            watched(seed, change, found)
        gaps = sum(n for metric, n in found.opened.items() if metric.endswith("_gap"))
        others = sum(found.opened.values()) - gaps
        soon = sum(first is not None and first <= 1 for first in found.first)
        shows = "-" if change is None else f"{soon} of {seeds}"
        delay = f"{np.median(found.told):.1f} days" if found.told else "-"
        print(f"| {name} | {seeds} | {gaps} | {others} | {shows} | {delay} | ", end="")
        print(f"{found.distrusted} of {seeds} |", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
