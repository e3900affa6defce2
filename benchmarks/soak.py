"""Detector and monitor under a steady load: is their memory flat, and is every event accounted for?

A client posts the halves of inferences in batches to a detector that hands over to a monitor and appends
to a ledger, and their labels to the monitor, for some minutes. Event time runs so much faster that the
retention of 35 days is reached after four tenths of the run; from then on as much expires as comes. Flat
means: over the second half the fitted line of each process's memory rises by less than a twentieth of its
mean. There is a snapshot a minute, so that both halves meet what it needs in passing. Exit code 0 when both
are flat and every inference is counted by the monitor, else 10.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa

from timonel.reference import Reference
from timonel_serving.replay import messages

FEATURES = tuple(f"f{i}" for i in range(10))
RETENTION = timedelta(days=35)
REACHED = 0.4
"""Share of the run after which the retention is reached."""
STEP = 0.5
"""Seconds between two posts."""
RISE = 0.05
SETTINGS = """model: {name: soak, task: binary}
data: {source: none.csv, target: label}
monitoring: {detector: {port: 0}, monitor: {port: 0, snapshot_every: 1min}}
"""


@dataclass
class Process:
    """A process of Timonel's, and its memory in time."""

    name: str
    popen: subprocess.Popen[str]
    url: str
    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def look(self, at: float) -> None:
        """Read the resident memory."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text()
        line = next(x for x in status.split("\n") if x.startswith("VmRSS"))
        self.seconds.append(at)
        self.megabytes.append(int(line.split()[1]) / 1024)

    def rise(self) -> float:
        """By which share of its mean memory rises over the second half."""
        seconds, memory = np.array(self.seconds), np.array(self.megabytes)
        later = seconds >= seconds[-1] / 2
        slope = np.polyfit(seconds[later], memory[later], 1)[0]
        return float(slope * (seconds[-1] / 2) / memory[later].mean())


def main() -> int:
    """Run, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=int, default=500, help="inferences a second")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as processes:
        sent = load(processes, given.minutes * 60, given.rate)
        counted = drained(processes[1].url, sent)
    return judge(processes, sent, counted)


@contextmanager
def running(folder: Path) -> Iterator[list[Process]]:
    """The detector and the monitor, with a reference of healthy rows."""
    (folder / "timonel.yaml").write_text(SETTINGS)
    rows = traffic(20_000, datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1), 0)
    kept = {name: rows[name] for name in (*FEATURES, "label", "score")}
    reference = Reference.fit(kept, labels="label", scores="score", threshold=0.5)
    reference.save(folder / "reference.parquet")
    common = ("-c", "timonel.yaml", "--reference", "reference.parquet", "--json")
    processes: list[Process] = []
    try:
        processes.append(start("monitor", folder, "watch", *common))
        at = ("--monitor-url", processes[0].url)
        processes.insert(0, start("detector", folder, "detect", *common, *at))
        yield processes
    finally:
        for process in processes:
            process.popen.terminate()
            process.popen.wait(60)


def start(name: str, folder: Path, *words: str) -> Process:
    """Start a command of Timonel's and wait until it listens."""
    timonel = str(Path(sys.executable).with_name("timonel"))
    with (folder / f"{name}.log").open("w") as log:
        popen = subprocess.Popen(
            [timonel, *words], cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert popen.stdout is not None
    line = popen.stdout.readline()
    if not line:
        sys.exit((folder / f"{name}.log").read_text())
    facts: dict[str, Any] = json.loads(line)
    return Process(name, popen, facts["url"])


def traffic(rows: int, begin: datetime, span: timedelta, seed: int) -> pa.Table:
    """Rows of a calibrated model, evenly over the span."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(len(FEATURES), rows))
    score = 1 / (1 + np.exp(-values[:3].sum(axis=0)))
    first = round(begin.timestamp() * 1e6)
    time_ = first + np.arange(rows) * round(span / timedelta(microseconds=1)) // rows
    table = {name: pa.array(column) for name, column in zip(FEATURES, values, strict=True)}
    table |= {
        "prediction_id": pa.array([f"{seed}-{i}" for i in range(rows)]),
        "event_time": pa.array(time_, pa.timestamp("us", tz="UTC")),
        "label_arrival_time": pa.array(time_ + 3_600_000_000, pa.timestamp("us", tz="UTC")),
        "score": pa.array(score),
        "prediction": pa.array((score >= 0.5).astype(np.int64)),
        "label": pa.array((rng.random(rows) < score).astype(np.int64)),
        "latency_ms": pa.array(rng.lognormal(1, 0.3, rows)),
        "version": pa.array(["1"] * rows),
    }
    return pa.table(table)


def load(processes: list[Process], seconds: float, rate: int) -> int:
    """Post at the rate; how many inferences were posted."""
    steps, rows = round(seconds / STEP), round(rate * STEP)
    span = RETENTION / (REACHED * steps)
    begin, started, sent = datetime(2026, 1, 2, tzinfo=UTC), time.monotonic(), 0
    detector, monitor = (process.url for process in processes)
    with httpx.Client(timeout=60) as client:
        for step in range(steps):
            table = traffic(rows, begin + step * span, span, step + 1)
            for at in range(0, rows, 250):
                body = messages.events(table.slice(at, 250), "soak", FEATURES)
                client.post(
                    detector, content=body, headers={"content-type": messages.KIND}
                ).raise_for_status()
            client.post(
                f"{monitor}/v1/models/soak/labels",
                content=messages.labels(table),
                headers={"content-type": "application/vnd.apache.parquet"},
            ).raise_for_status()
            sent += rows
            if step % 10 == 0:
                for process in processes:
                    process.look(time.monotonic() - started)
                tell(processes, step / steps)
            time.sleep(max(0.0, started + (step + 1) * STEP - time.monotonic()))
    return sent


def tell(processes: list[Process], share: float) -> None:
    """A line of progress on standard error."""
    memory = ", ".join(f"{p.name} {p.megabytes[-1]:.0f} MB" for p in processes)
    print(f"\r{share:4.0%}  {memory} ", end="", file=sys.stderr, flush=True)


def drained(monitor: str, sent: int) -> int:
    """How many inferences the monitor has counted, once they are all or do not become more."""
    counted, since = -1, time.monotonic()
    while time.monotonic() - since < 60 and counted < sent:
        text = httpx.get(f"{monitor}/metrics", timeout=60).text
        lines = (x for x in text.split("\n") if x.startswith("timonel_predictions_total{"))
        found = round(sum(float(line.rpartition(" ")[2]) for line in lines))
        if found > counted:
            counted, since = found, time.monotonic()
        time.sleep(1)
    return counted


def judge(processes: list[Process], sent: int, counted: int) -> int:
    """Print the table; 0 if all is well."""
    print(f"\n{sent:,} inferences sent, {counted:,} counted by the monitor")
    print(f"{'':<10}{'first MB':>10}{'half MB':>10}{'last MB':>10}{'rise in the second half':>26}")
    for process in processes:
        memory = process.megabytes
        shown = "".join(f"{memory[i]:>10.0f}" for i in (0, len(memory) // 2, -1))
        print(f"{process.name:<10}{shown}{process.rise():>26.1%}")
    well = counted == sent and all(process.rise() < RISE for process in processes)
    print("flat, and nothing lost" if well else "not flat, or something lost")
    return 0 if well else 10


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
