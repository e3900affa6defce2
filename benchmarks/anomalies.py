"""How often the watch alarms on nothing, and how fast it is right: Markdown tables.

    python benchmarks/anomalies.py [--runs 20]

Healthy traffic has days, weeks, entities and slow autocorrelated wandering of the features
(`timonel.faults.Healthy`); incidents with a known cause are injected into it. All is seeded.
"""

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
from readings import failing, readings
from timonel.anomalies import Anomaly, Phase, Severity, Watch, WatchConfig
from timonel.faults import (
    Healthy,
    Incident,
    LabelDelay,
    NullPredictions,
    SeasonalChange,
    SegmentOutage,
    SlowDependency,
    SuddenConceptChange,
    UnitChange,
)

HEALTHY = Healthy(rows=480_000, days=60)
SHORTER = Healthy(rows=240_000, days=30)
ONSET = SHORTER.start + timedelta(days=21, hours=9)
END = ONSET + timedelta(hours=6)
LEARNT = timedelta(days=14)
MONTH = timedelta(days=30)
HOUR = timedelta(hours=1)
LATENCIES = ("p50_latency_ms", "p95_latency_ms", "p99_latency_ms")
INCIDENTS: dict[str, tuple[Incident | None, tuple[str, ...]]] = {
    "5 % null predictions, 6 h": (NullPredictions(onset=ONSET, end=END, rate=0.05), ("null_rate",)),
    "3 % errors, 6 h": (None, ("error_rate",)),
    "+40 % latency, 6 h": (SlowDependency(onset=ONSET, end=END, increase=0.4), LATENCIES),
    "amount in cents, 6 h": (
        UnitChange(columns=("amount",), onset=ONSET, end=END, factor=100, model=SHORTER.model),
        ("alert_rate", "mean_score", "accuracy", "accuracy_gap"),
    ),
    "no traffic, 6 h": (
        SegmentOutage(columns=("model",), onset=ONSET, end=END, lost=1.0),
        ("traffic stopped",),
    ),
    "concept change": (
        SuddenConceptChange(columns=("amount",), onset=ONSET),
        ("accuracy", "accuracy_gap"),
    ),
    "labels 3 times as late": (LabelDelay(onset=ONSET), ()),
    "benign season": (SeasonalChange(columns=("f2",), onset=ONSET - timedelta(days=6)), ()),
}


@dataclass(frozen=True)
class Seen:
    """Something that the watch told, and when."""

    at: datetime
    anomaly: Anomaly


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    false_alarms(runs)
    print()
    incidents(runs)


def watch(table: pa.Table, step: timedelta, config: WatchConfig | None = None) -> Iterator[Seen]:
    """What the watch tells of a log, window by window."""
    watching = Watch(config or WatchConfig())
    for batch in readings(table, step):
        for anomaly in watching.update(batch):
            yield Seen(batch[0].end, anomaly)


def false_alarms(runs: int) -> None:
    """Episodes a month on healthy traffic."""
    print(
        "| window | budget a month | period | months | episodes | a month (95 % interval) | pages |"
    )
    print("|---|---|---|---|---|---|---|")
    for step, budget, part in ((HOUR, 1.0, 1), (HOUR, 0.2, 1), (HOUR / 4, 1.0, 2)):
        told = {"first 14 days": [0, 0], "after": [0, 0]}
        count = max(1, runs // part)
        for seed in range(count):
            table = HEALTHY.table(np.random.default_rng(seed))
            for seen in watch(table, step, WatchConfig(budget)):
                if seen.anomaly.phase is Phase.OPEN:
                    early = seen.at - HEALTHY.start <= LEARNT
                    episodes = told["first 14 days" if early else "after"]
                    episodes[0] += 1
                    episodes[1] += seen.anomaly.severity is Severity.PAGE
        for period, (episodes, pages) in told.items():
            days = LEARNT if period != "after" else timedelta(days=HEALTHY.days) - LEARNT
            _print_rate(step, budget, period, count * (days / MONTH), episodes, pages)


def _print_rate(
    step: timedelta, budget: float, period: str, months: float, episodes: int, pages: int
) -> None:
    low, high = _poisson(episodes)
    print(
        f"| {step // timedelta(minutes=1)} min | {budget:g} | {period} | {months:.1f} | {episodes} "
        f"| {episodes / months:.2f} ({low / months:.2f} to {high / months:.2f}) | {pages} |",
        flush=True,
    )


def _poisson(count: int) -> tuple[float, float]:
    """A 95 % interval of the expected count, from the square root's constant variance (Anscombe)."""
    root = math.sqrt(count + 3 / 8)
    return max(0.0, (root - 0.98) ** 2 - 3 / 8) if count else 0.0, (root + 0.98) ** 2


def incidents(runs: int) -> None:
    """Which incidents are found, how fast, how severe; and other episodes that open after the onset."""
    print(
        "| incident, 1 h windows | runs | found | median delay | severity | other episodes a run |"
    )
    print("|---|---|---|---|---|---|")
    for name, (incident, wanted) in INCIDENTS.items():
        delays: list[float] = []
        severities: list[str] = []
        others = 0
        for seed in range(runs):
            table = SHORTER.table(np.random.default_rng(1000 + seed))
            rng = np.random.default_rng(seed)
            hit = incident.apply(table, rng).table if incident else failing(table, ONSET, END, 0.03)
            seen = [s for s in watch(hit, HOUR) if s.at > ONSET]
            right = [s for s in seen if s.anomaly.what in wanted]
            if right:
                delays.append((right[0].at - ONSET) / HOUR)
                severities.append(max(s.anomaly.severity for s in right).value)
            opened = {s.anomaly.what for s in seen if s.anomaly.phase is Phase.OPEN}
            others += len(opened - set(wanted))
        _print_found(name, runs, delays, severities, others, bool(wanted))


def _print_found(
    name: str, runs: int, delays: list[float], severities: list[str], others: int, wanted: bool
) -> None:
    found = f"{len(delays) / runs:.0%}" if wanted else "should not"
    delay = f"{np.median(delays):.0f} h" if delays else "-"
    kinds = ", ".join(f"{severities.count(s)} {s}" for s in sorted(set(severities))) or "-"
    print(f"| {name} | {runs} | {found} | {delay} | {kinds} | {others / runs:.2f} |", flush=True)


if __name__ == "__main__":
    main()
