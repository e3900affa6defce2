"""What the governor of retraining keeps and what it saves, on real rows and on rows that do not drift.

    python benchmarks/governor.py [--quick] [--record FILE]

Each table is played under every policy. `kept` is the share of what retraining after each period gains over
never retraining. The stationary stream is 100,000 rows drawn with replacement from the employment example,
so that nothing in it can drift. Targets: on accidents 80 % kept with half the trainings at most; on
employment one training at most; on the stationary stream none. Exit code 1 if one is missed.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from timonel.backtest import parse_span, policy
from timonel.config import Candidate, Config, Retraining, load_config
from timonel.drift.concept.esr import bets
from timonel.retraining.loss import Errors, watch_errors
from timonel.tables import read_table
from timonel_components.backtesting.replay import Wish, replay

EXAMPLES = Path(__file__).parents[1] / "examples"
POLICIES = ("governor", "never", "drift-only", "always")
STREAM_ROWS = 100_000
HEAD = (
    "| data | period | policy | trainings | AUC | kept | cost / 1,000 rows |\n" + 7 * "|---" + "|"
)


@dataclass(frozen=True)
class Table:
    """Rows to play, and how."""

    name: str
    path: Path
    config: Config
    span: str
    policies: tuple[str, ...] = ("governor",)


def main() -> None:
    """Play everything, print the table and the targets."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--quick", action="store_true", help="the governor alone, accidents by the month only"
    )
    options.add_argument("--record", type=Path, help="write the figures as JSON too")
    asked = options.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        found = [*_played(tables(Path(scratch), quick=asked.quick), quick=asked.quick)]
    alarms = stationary_alarms(200 if asked.quick else 1000)
    print(
        f"\nstreams of {STREAM_ROWS:,} labels without change: {alarms:.1%} raise an alarm of the error"
        f" rate\ntook {time.perf_counter() - began:.0f} s"
    )
    if asked.record:
        asked.record.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(not all(target(facts) for facts in found if facts["policy"] == "governor"))


def tables(scratch: Path, *, quick: bool) -> Iterator[Table]:
    """The real examples, and the stream that does not drift."""
    yield example("accidents", "month", POLICIES)
    if not quick:
        yield example("accidents", "week", ("governor",))
    yield example("employment", "month", ("governor", "drift-only"))
    yield stationary(scratch)


def example(name: str, span: str, policies: tuple[str, ...]) -> Table:
    """A real table with its settings."""
    folder = EXAMPLES / name
    config = with_candidate(load_config(folder / "timonel.yaml"), Candidate.BOOSTING)
    return Table(name, folder / "data.parquet", config, span, policies)


def with_candidate(config: Config, candidate: Candidate) -> Config:
    """The settings with one candidate."""
    train = config.train.model_copy(update={"candidates": (candidate,)})
    return config.model_copy(update={"train": train})


def stationary(scratch: Path) -> Table:
    """Rows of the employment example drawn with replacement, two years at an even pace."""
    config = load_config(EXAMPLES / "employment" / "timonel.yaml")
    table = read_table(EXAMPLES / "employment" / "data.parquet")
    rng = np.random.default_rng(1)
    drawn = table.take(rng.integers(table.num_rows, size=STREAM_ROWS))
    step = timedelta(days=730) / STREAM_ROWS
    start = datetime(2024, 1, 1, tzinfo=UTC)
    times = pa.array([start + i * step for i in range(STREAM_ROWS)], pa.timestamp("us", "UTC"))
    for name, column in (
        (config.data.time, times),
        (config.data.key, pa.array(range(STREAM_ROWS))),
    ):
        drawn = drawn.set_column(drawn.column_names.index(name), name, column)
    path = scratch / "stationary.parquet"
    parquet.write_table(drawn, path)
    config = with_candidate(config, Candidate.LOGISTIC)
    return Table("stationary", path, config, "week", ("governor", "drift-only"))


def _played(found: Iterator[Table], *, quick: bool) -> Iterator[dict[str, Any]]:
    print(HEAD)
    for table in found:
        for name in table.policies[:1] if quick else table.policies:
            facts = played(table, name)
            print(row(facts), flush=True)
            yield facts


def played(table: Table, name: str) -> dict[str, Any]:
    """One table under one policy."""
    wish = Wish(parse_span(table.span), 0.4, None, "auc", False)
    settings = table.config
    report = replay(
        table.path, settings, policy(name, settings.retraining), wish, lambda _: None
    ).report
    return {
        "data": table.name,
        "span": table.span,
        "policy": name,
        "trainings": len(report.retrains),
        "most": len(report.periods) - 1,
        "waits": len(report.waits),
        "kept": report.kept,
        "auc": report.summary["auc"].value,
        "cost": 1000 * float(report.summary["cost"]),
        "first_reasons": [event.reason for event in report.retrains[:3]],
    }


def row(facts: dict[str, Any]) -> str:
    """A line of the table."""
    kept = "nothing to gain" if facts["kept"] is None else f"{facts['kept']:.0%}"
    return (
        f"| {facts['data']} | {facts['span']} | {facts['policy']}"
        f" | {facts['trainings']} of {facts['most']} | {facts['auc']:.4f} | {kept} | {facts['cost']:.0f} |"
    )


def target(facts: dict[str, Any]) -> bool:
    """Whether the governor reached what is asked of it, said on stdout."""
    if facts["data"] == "accidents":
        good = (facts["kept"] or 0) >= 0.8 and facts["trainings"] <= facts["most"] / 2
    else:
        good = facts["trainings"] <= (facts["data"] == "employment")
    print(f"target {facts['data']} by the {facts['span']}: {'reached' if good else 'MISSED'}")
    return good


def stationary_alarms(runs: int, rate: float = 0.17, held_out: int = 12_000) -> float:
    """The share of unchanging streams with an alarm; the usual rate is told by `held_out` rows."""
    rng = np.random.default_rng(2)
    wrong = rng.binomial(held_out, rate, size=runs).tolist()
    detectors = [watch_errors(Errors(k, held_out), Retraining().run_length) for k in wrong]
    lines = np.array([bets(float(detector.baseline or 0)) for detector in detectors])
    right, slope = lines[:, :, 0].T, lines[:, :, 1].T
    evidence, alarmed = np.zeros_like(right), np.zeros(runs, dtype=bool)
    for _ in range(STREAM_ROWS):
        evidence = (evidence + 1) * (right + slope * (rng.random(runs) < rate))
        alarmed |= evidence.mean(axis=0) >= detectors[0].threshold
    return float(alarmed.mean())


if __name__ == "__main__":
    main()
