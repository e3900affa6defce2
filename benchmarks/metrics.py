"""Windowed metrics of 10 million predictions: the state of the windows beside DuckDB and Polars on Parquet.

    make bench-metrics

All answer the same questions about the same rows in one run, one thread each: n, accuracy, precision,
recall, ROC AUC on binned scores, mean and p95 latency and null rate of the last day and of 7 days, and the
hourly accuracy of 30 days. The first two are asked of `ModelMonitor.calculate_metrics`, whose figures
have their intervals, with a labelled reference; the last of its windows. The file holds the labels
already, so that the engines need no join. The time is processor time of the process. The counts must
agree to the last row.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ["POLARS_MAX_THREADS"] = "1"

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from timonel import ModelMonitor, MonitorConfig, Reference
from timonel.performance.packs.binary import BinaryPack
from timonel.performance.packs.features import FeaturePack
from timonel.performance.packs.service import ServicePack
from timonel.reference.bins import CELLS, CategoryBins
from timonel.windows.events import Coded, Events
from timonel.windows.layout import DAY, HOUR, MINUTE, Layout
from timonel.windows.pack import Pack
from timonel.windows.state import WindowState

START = 1_700_006_400_000_000
"""A UTC midnight."""
DAYS, BATCH = 30, 131_072
SCORE_BINS = 160
RATIO, MEGABYTES, RATE = 200.0, 50.0, 2e6

ASKED = (
    "n",
    "accuracy",
    "precision",
    "recall",
    "roc_auc",
    "mean_latency_ms",
    "p95_latency_ms",
    "null_rate",
)
READ = (
    "service.kind",
    "service.latency",
    "service.latency_us",
    "binary.confusion",
    "binary.labelled",
)
"""The counters that these figures rest on."""
TOLERANCE = {"roc_auc": 0.002, "p95_latency_ms": 0.03}
"""Relative; the others agree to rounding."""

Answer = dict[str, float]
Times = NDArray[np.float64]


def packs(features: int) -> list[Pack]:
    """All counters of a monitor of a model with two outcomes."""
    bins = tuple(CategoryBins(f"x{i}", ()) for i in range(features))
    return [ServicePack(), BinaryPack(), FeaturePack(bins)]


def batches(rows: int, features: int) -> Iterator[Events]:
    """Predictions in the order of time, 23 minutes short of 30 days, all labelled."""
    rng = np.random.default_rng(0)
    span = DAYS * DAY - 23 * MINUTE
    for first in range(0, rows, BATCH):
        n = min(BATCH, rows - first)
        low, high = (START + span * i // rows for i in (first, first + n))
        score = rng.beta(1, 6, n)
        null = rng.random(n) < 0.002
        columns = {
            "latency_us": rng.lognormal(9.5, 0.6, n).astype(np.int64),
            "status": np.zeros(n, np.int8),
            "null": null,
            "violations": np.zeros(n, np.int32),
            "predicted": np.where(null, -1, score > 0.4).astype(np.int8),
            "score": np.where(null, np.nan, score),
            "actual": (rng.random(n) < score).astype(np.int8),
            "cells": rng.integers(0, CELLS, (n, features), dtype=np.uint8),
        }
        version = Coded(np.zeros(n, np.int32), ("1",))
        made = np.sort(rng.integers(low, high, n))
        yield Events(made, version, columns, np.ones(n, np.bool_))


def prepare(path: Path, rows: int, features: int) -> tuple[WindowState, ModelMonitor]:
    """Write the predictions to Parquet, count them and track them; prints what counting took."""
    counted, monitor = packs(features), watching()
    state, seconds, peak = WindowState(Layout.of(counted)), 0.0, 0
    writer: pq.ParquetWriter | None = None
    for events in batches(rows, features):
        started = time.process_time()
        state.fold(events, counted)
        seconds += time.process_time() - started
        peak = max(peak, state.nbytes)
        table = as_table(events)
        monitor.track_batch(table.rename_columns(["timestamp", *table.column_names[1:]]))
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    print(
        f"{rows:,} predictions, labelled, {features} features: {rows / seconds / 1e6:.2f} M rows/s"
    )
    print(
        f"peak state {peak / 1e6:.1f} MB (target {MEGABYTES:g}); Parquet {path.stat().st_size / 1e6:.0f} MB"
    )
    return state, monitor


def watching() -> ModelMonitor:
    """A monitor with a labelled reference, so that its answers have drift and estimates, too."""
    table = as_table(next(batches(20_000, 1)))
    table = table.filter(table["score"].is_valid())
    return ModelMonitor(
        Reference.fit(
            table.select([]),
            predictions=table["predicted"],
            labels=table["actual"],
            scores=table["score"],
        ),
        MonitorConfig(columns={"prediction": "predicted"}),
    )


def as_table(events: Events) -> pa.Table:
    """What a log of these predictions holds."""
    null = events.columns["null"]
    return pa.table(
        {
            "time": pa.array(events.time, pa.timestamp("us")),
            "predicted": pa.array(events.columns["predicted"], mask=null),
            "actual": pa.array(events.columns["actual"]),
            "score": pa.array(events.columns["score"], mask=null),
            "latency_ms": pa.array(events.columns["latency_us"] / 1000),
        }
    )


def folding_rate(rows: int = 1_000_000, features: int = 5) -> float:
    """Rows a second that are counted with 5 features, without labels."""
    counted = packs(features)
    made, state, seconds = 0, WindowState(Layout.of(counted)), 0.0
    for events in batches(rows, features):
        unlabelled = np.zeros(len(events), np.bool_)
        events = Events(events.time, events.version, events.columns, unlabelled)
        started = time.process_time()
        state.fold(events, counted)
        seconds, made = seconds + time.process_time() - started, made + len(events)
    return made / seconds


def from_counts(tp: float, fp: float, fn: float, tn: float) -> Answer:
    """Accuracy, precision and recall."""
    right, judged = tp + tn, tp + fp + fn + tn
    return {"accuracy": right / judged, "precision": tp / (tp + fp), "recall": tp / (tp + fn)}


def auc(cells: NDArray[np.int64], actual: NDArray[np.int64], counts: NDArray[np.int64]) -> float:
    """ROC AUC of a histogram of scores by label; pairs in one bin count half."""
    table = np.zeros((2, SCORE_BINS + 1))
    table[actual, cells] = counts
    below = np.cumsum(table[0]) - table[0] / 2
    return float(table[1] @ below / (table[0].sum() * table[1].sum()))


@dataclass(frozen=True)
class DuckDB:
    """SQL on the file."""

    path: Path
    connection: duckdb.DuckDBPyConnection

    def window(self, start: int, end: int) -> Answer:
        """The figures of a window."""
        rows = f"""read_parquet('{self.path}')
            where time >= make_timestamp({start}) and time < make_timestamp({end})"""
        n, nulls, tp, fp, fn, tn, mean, p95 = self.connection.sql(
            f"""select count(*), count(*) - count(predicted),
            count(*) filter (predicted = 1 and actual = 1), count(*) filter (predicted = 1 and actual = 0),
            count(*) filter (predicted = 0 and actual = 1), count(*) filter (predicted = 0 and actual = 0),
            avg(latency_ms), approx_quantile(latency_ms, .95) from {rows}"""
        ).fetchall()[0]
        bins = self.connection.sql(
            f"""select floor(score * {SCORE_BINS})::int as cell, actual, count(*) as n from {rows}
            and score is not null group by all"""
        ).fetchnumpy()
        area = auc(bins["cell"], bins["actual"], bins["n"])
        service = {"n": n, "null_rate": nulls / n, "mean_latency_ms": mean, "p95_latency_ms": p95}
        return from_counts(tp, fp, fn, tn) | service | {"roc_auc": area}

    def hourly(self) -> Times:
        """Accuracy by hour."""
        found = self.connection.sql(
            f"""select date_trunc('hour', time) as hour, avg((predicted = actual)::int) as accuracy
            from read_parquet('{self.path}') group by hour order by hour"""
        ).fetchnumpy()
        return np.asarray(found["accuracy"])


@dataclass(frozen=True)
class Polars:
    """Lazy frames on the file."""

    path: Path

    def window(self, start: int, end: int) -> Answer:
        """The figures of a window."""
        at = pl.col("time").cast(pl.Int64)
        rows = pl.scan_parquet(self.path).filter(
            pl.col("time") >= pl.lit(start).cast(pl.Datetime("us")),
            pl.col("time") < pl.lit(end).cast(pl.Datetime("us")),
        )
        predicted, actual, latency = pl.col("predicted"), pl.col("actual"), pl.col("latency_ms")
        cells = [
            ((predicted == p) & (actual == a)).sum() for p, a in ((1, 1), (1, 0), (0, 1), (0, 0))
        ]
        names = ("tp", "fp", "fn", "tn")
        figures = rows.select(
            at.len().alias("n"),
            predicted.null_count().alias("nulls"),
            *(cell.alias(name) for cell, name in zip(cells, names, strict=True)),
            latency.mean().alias("mean"),
            latency.quantile(0.95).alias("p95"),
        )
        score = (pl.col("score") * SCORE_BINS).floor().cast(pl.Int32).alias("cell")
        counts = rows.drop_nulls("score").group_by(score, actual).agg(pl.len().alias("n"))
        table, bins = pl.collect_all([figures, counts])
        row = table.row(0, named=True)
        area = auc(*(bins[name].to_numpy() for name in ("cell", "actual", "n")))
        service = {
            "n": row["n"],
            "null_rate": row["nulls"] / row["n"],
            "mean_latency_ms": row["mean"],
            "p95_latency_ms": row["p95"],
        }
        return from_counts(*(row[name] for name in names)) | service | {"roc_auc": area}

    def hourly(self) -> Times:
        """Accuracy by hour."""
        right = (pl.col("predicted") == pl.col("actual")).mean().alias("accuracy")
        hour = pl.col("time").dt.truncate("1h")
        found = pl.scan_parquet(self.path).group_by(hour).agg(right).sort("time").collect()
        return found["accuracy"].to_numpy()


@dataclass(frozen=True)
class Monitor:
    """The monitor."""

    monitor: ModelMonitor
    state: WindowState

    def covered(self, days: int) -> tuple[int, int]:
        """The stretch that the answer for the newest days covers."""
        found = self.monitor.calculate_metrics(f"{days}d")
        return round(found.start.timestamp() * 1e6), round(found.end.timestamp() * 1e6)

    def window(self, days: int) -> Answer:
        """The figures of the newest days."""
        found = self.monitor.calculate_metrics(f"{days}d")
        return {name: float(found[name]) for name in ASKED}

    def sums(self, start: int, end: int) -> object:
        """The counters alone that the figures rest on."""
        sums = self.state.sums(start, end)
        return [sums[field] for field in READ]

    def hourly(self) -> Times:
        """Accuracy by hour."""
        _, rows = self.state.series("binary.confusion", START, START + DAYS * DAY, HOUR)
        counts = rows.reshape(-1, 2, 2, 3).sum(axis=1)
        return (counts[:, 0, 1] + counts[:, 1, 2]) / counts[:, :, 1:].sum(axis=(1, 2))


def compare(ours: Answer, theirs: Answer) -> None:
    """Stop if an engine answers another question."""
    for name in ASKED:
        gap = abs(ours[name] - theirs[name]) / abs(theirs[name])
        if gap > TOLERANCE.get(name, 1e-9):
            raise SystemExit(f"{name}: {ours[name]!r} against {theirs[name]!r}")


def seconds(call: Callable[[], object], calls: int) -> float:
    """Processor time of one call, the mean of several."""
    started = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - started) / calls


@dataclass(frozen=True)
class Question:
    """A question in the words of an engine and of the state; `sums` is the part that adds up counters."""

    name: str
    engine: Callable[[], object]
    ours: Callable[[], object]
    sums: Callable[[], object]


def window_question(days: int, engine: DuckDB | Polars, ours: Monitor) -> Question:
    """The figures of the newest days, over the stretch that the monitor's blocks cover; compared once."""
    start, end = ours.covered(days)
    compare(ours.window(days), engine.window(start, end))
    return Question(
        f"{days} days" if days > 1 else "last day",
        lambda: engine.window(start, end),
        lambda: ours.window(days),
        lambda: ours.sums(start, end),
    )


def hourly_question(engine: DuckDB | Polars, ours: Monitor) -> Question:
    """The accuracy of each hour; compared once."""
    np.testing.assert_allclose(ours.hourly(), engine.hourly(), rtol=1e-9)
    return Question("hourly accuracy, 30 days", engine.hourly, ours.hourly, ours.hourly)


def ask(ours: Monitor, path: Path, repeats: int) -> float:
    """Print a row a question and engine; returns the least median ratio."""
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    medians = []
    print("\n| question | engine | ms | monitor, ms | of it sums | ratio: median (range) |")
    print("|---|---|---|---|---|---|")
    for name, engine in {"DuckDB": DuckDB(path, connection), "Polars": Polars(path)}.items():
        questions = [window_question(days, engine, ours) for days in (1, 7)]
        for question in (*questions, hourly_question(engine, ours)):
            calls = ((question.engine, 1), (question.ours, 50), (question.sums, 50))
            times = np.array([[seconds(*call) for call in calls] for _ in range(repeats)])
            ratios, (theirs, own, part) = times[:, 0] / times[:, 1], np.median(times, axis=0) * 1e3
            medians.append(float(np.median(ratios)))
            shown = f"{medians[-1]:.0f} ({ratios.min():.0f} to {ratios.max():.0f})"
            print(
                f"| {question.name} | {name} | {theirs:.0f} | {own:.3f} | {part:.3f} | {shown} |",
                flush=True,
            )
    return min(medians)


def main() -> None:
    """Print the table; exit code 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--features", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    rate = folding_rate()
    print(
        f"folding, 5 features, score and latency: {rate / 1e6:.2f} M rows/s (target {RATE / 1e6:g})"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.parquet"
        state, monitor = prepare(path, options.rows, options.features)
        ratio = ask(Monitor(monitor, state), path, options.repeats)
    reached = ratio >= RATIO and state.nbytes <= MEGABYTES * 1e6 and rate >= RATE
    print(f"\nleast ratio {ratio:.0f} (target {RATIO:g}): {'reached' if reached else 'missed'}")
    raise SystemExit(0 if reached else 1)


if __name__ == "__main__":
    main()
