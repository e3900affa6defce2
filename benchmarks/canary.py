"""Error rates of the canary's judge on made-up traffic, and how fast it judges: the targets, met or missed.

    python benchmarks/canary.py [--quick] [--resume FILE]

50 requests a second, 0.5 % errors, blocks of a minute, 200 looks, 2,000 runs a cell. Each run learns base
rate and noise from a day of the champion against itself before it starts, unless the cell says otherwise.
Noise is an AR(1) that each version has of its own: of 0.3 of the logarithm of the error rate, of 0.2 standard
deviations of the logarithm of latencies. A ramp raises the canary's share from a fifth of what is said to ten
times that, and doubles the base rate. Latencies are log-normal; p95 + 50 % is all of them half as slow again.
With --resume, cells that are in the file are not played again.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from timonel.canary import Arm, Block, CanaryJudge, CanaryPlan, Metric
from timonel.canary.simulate import Played, Scenario, draw, play
from timonel.canary.simulate.played import NEVER
from timonel.canary.simulate.rivals import RULES
from timonel.canary.simulate.table import median, share
from timonel.performance.value import Measured
from timonel.terms import Evidence

REQUESTS, BASE, MARGIN = 3000.0, 0.005, 0.002
HISTORY = 1440
CHUNK = 250
EDGES = (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.3, 3.2)
ERRORS = CanaryPlan([Metric("errors", margin=MARGIN)], max_blocks=1000)
LATENCY = CanaryPlan([Metric("latency", kind=Evidence.LATENCY, edges=EDGES)], max_blocks=1000)
TRAFFIC: dict[str, dict[str, float | bool]] = {
    "steady": {},
    "daily cycle": {"diurnal": True},
    "own noise, AR .6": {"memory": 0.6},
    "own noise, AR .9": {"memory": 0.9},
    "ramp": {"ramp": True},
}
SPEED_METRICS = 20
MONTH = 43_200


@dataclass(frozen=True)
class Cell:
    """One row of the table."""

    name: str
    traffic: Scenario
    plan: CanaryPlan
    shows: str
    """rollback or promote: the share of runs that end so."""
    at_most: float | None = None
    at_least: float | None = None
    median_at_most: int | None = None
    within: int | None = None
    """Blocks within which the share counts."""
    history: int = HISTORY


@dataclass(frozen=True)
class Result:
    """What came out."""

    name: str
    value: Measured
    median: int | None
    target: str
    met: bool | None


def cells() -> Iterator[Cell]:
    """All that is measured, the targets first."""
    for percent in (5.0, 1.0, 0.2):
        for name, kind in TRAFFIC.items():
            yield Cell(
                f"equal, errors, {name}, {percent:g} %",
                _scenario(percent, kind, 0.3),
                ERRORS,
                "rollback",
                at_most=0.05,
            )
    for name in ("steady", "own noise, AR .6", "own noise, AR .9"):
        traffic = replace(_scenario(5.0, TRAFFIC[name], 0.2), edges=EDGES)
        yield Cell(f"equal, latency, {name}, 5 %", traffic, LATENCY, "rollback", at_most=0.05)
    yield from _harmful()
    yield from _promoted()
    for name, kind in TRAFFIC.items():
        yield Cell(
            f"equal, errors, {name}, 5 %, no history",
            _scenario(5.0, kind, 0.3),
            ERRORS,
            "rollback",
            history=0,
        )


def _harmful() -> Iterator[Cell]:
    steady = _scenario(5.0, {}, 0.0)
    double = replace(steady, harm=2.0)
    yield Cell("errors x2, 5 %", double, ERRORS, "rollback", at_least=0.99, median_at_most=20)
    slow = replace(steady, edges=EDGES, slower=1.5)
    yield Cell("p95 + 50 %, 5 %", slow, LATENCY, "rollback", at_least=0.99, within=30)
    noisy = replace(slow, memory=0.9, noise=0.2)
    yield Cell("p95 + 50 %, own noise, AR .9, 5 %", noisy, LATENCY, "rollback", within=30)
    yield Cell("errors x2, 1 %", replace(double, share=0.01), ERRORS, "rollback")
    for name in ("daily cycle", "own noise, AR .6", "own noise, AR .9", "ramp"):
        traffic = replace(_scenario(5.0, TRAFFIC[name], 0.3), harm=2.0)
        yield Cell(f"errors x2, {name}, 5 %", traffic, ERRORS, "rollback")
    yield Cell("errors x2, 5 %, no history", double, ERRORS, "rollback", history=0)


def _promoted() -> Iterator[Cell]:
    for percent in (5.0, 25.0, 50.0):
        plan = replace(ERRORS, steps=(int(percent),))
        blocks = plan.required_traffic(REQUESTS, {"errors": BASE}).blocks
        equal = replace(_scenario(percent, {}, 0.0), blocks=blocks)
        yield Cell(
            f"equal, {percent:g} %, promoted within the plan's {blocks} blocks",
            equal,
            plan,
            "promote",
            at_least=0.9,
        )
        worse = replace(equal, added=MARGIN, blocks=max(blocks, 200))
        yield Cell(
            f"worse by the margin, {percent:g} %, promoted", worse, plan, "promote", at_most=0.05
        )


def _scenario(percent: float, kind: dict[str, float | bool], noise: float) -> Scenario:
    own = noise if "memory" in kind else 0.0
    return Scenario(REQUESTS, percent / 100, BASE, noise=own, **kind)  # type: ignore[arg-type]


def measure(cell: Cell, runs: int, seed: int) -> Result:
    """Play a cell, some runs at a time."""
    parts = [
        _chunk(cell, min(CHUNK, runs - start), np.random.default_rng([seed, start]))
        for start in range(0, runs, CHUNK)
    ]
    ends: NDArray[np.int64] = np.concatenate([getattr(part, cell.shows) for part in parts])
    if cell.within is not None:
        ends = np.where(ends <= cell.within, ends, NEVER)
    value, middle = share(ends), median(ends)
    return Result(cell.name, value, middle, _target(cell), _met(cell, float(value), middle))


def _chunk(cell: Cell, runs: int, rng: np.random.Generator) -> Played:
    before = None
    if cell.history:
        calm = replace(
            cell.traffic, blocks=cell.history, ramp=False, harm=1.0, added=0.0, slower=1.0
        )
        before = draw(calm, runs, rng)
    return play(cell.plan, draw(cell.traffic, runs, rng), before)


def _target(cell: Cell) -> str:
    parts = []
    if cell.at_most is not None:
        parts.append(f"at most {100 * cell.at_most:g} %")
    if cell.at_least is not None:
        parts.append(f"at least {100 * cell.at_least:g} %")
    if cell.median_at_most is not None:
        parts.append(f"median at most {cell.median_at_most}")
    return ", ".join(parts)


def _met(cell: Cell, value: float, middle: int | None) -> bool | None:
    checks = []
    if cell.at_most is not None:
        checks.append(value <= cell.at_most)
    if cell.at_least is not None:
        checks.append(value >= cell.at_least)
    if cell.median_at_most is not None:
        checks.append(middle is not None and middle <= cell.median_at_most)
    return all(checks) if checks else None


def speed(blocks: int) -> Iterator[Result]:
    """Milliseconds a block of 20 metrics, and seconds for 30 days of one-minute blocks of 3 metrics."""
    names = [f"m{i}" for i in range(SPEED_METRICS)]
    plan = CanaryPlan([Metric(n, margin=1e-5, noise=0.0) for n in names], max_blocks=blocks + 1)
    judge, made = CanaryJudge(plan), _blocks(names, 300)
    begun = time.perf_counter()
    for block in made:
        judge.update(block)
    each = 1000 * (time.perf_counter() - begun) / len(made)
    yield Result("20 metrics, ms a block", Measured(each), None, "below 5", each < 5)
    latency = Metric("latency", kind=Evidence.LATENCY, edges=EDGES, margin=1e-5, noise=0.0)
    three = CanaryPlan([*plan.metrics[:2], latency], max_blocks=blocks + 1)
    made = _blocks(names[:2], blocks)
    begun = time.perf_counter()
    CanaryJudge(three).replay(made)
    month = (time.perf_counter() - begun) * MONTH / blocks
    name = f"30 days replayed, s (3 metrics, {len(three.streams)} shares)"
    yield Result(name, Measured(month), None, "below 10", month < 10)


def _blocks(names: list[str], n: int) -> list[Block]:
    rng = np.random.default_rng(0)
    at, minute = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=1)
    tails = np.full(len(EDGES) + 1, 1 / (len(EDGES) + 1))

    def arm(requests: int) -> Arm:
        counts = dict(zip(names, rng.binomial(requests, BASE, len(names)).tolist(), strict=True))
        return Arm(
            requests,
            counts,
            histograms={"latency": tuple(rng.multinomial(requests, tails).tolist())},
        )

    return [Block(at + i * minute, at + (i + 1) * minute, arm(2850), arm(150), 5) for i in range(n)]


def rivals(runs: int) -> Iterator[str]:
    """What common rules do on the same traffic."""
    yield "| rule | equal, 5 % | x2, 5 % | median | equal, 1 % | equal, ramp to 50 % |"
    yield "|---|---|---|---|---|---|"
    rng = np.random.default_rng(0)
    steady = _scenario(5.0, {}, 0.0)
    played = [
        draw(s, runs, rng).counts[:, :, 0]
        for s in (
            steady,
            replace(steady, harm=2.0),
            replace(steady, share=0.01),
            replace(steady, ramp=True),
        )
    ]
    for name, rule in RULES.items():
        equal, double, small, ramp = (rule(counts, BASE) for counts in played)
        shares = [f"{100 * float(share(e)):.1f} %" for e in (equal, double, small, ramp)]
        yield f"| {name} | {shares[0]} | {shares[1]} | {median(double)} | {shares[2]} | {shares[3]} |"


def _row(result: Result) -> str:
    value = result.value
    shown = f"{float(value):.2f}"
    if value.lower is not None and value.upper is not None:
        shown = f"{100 * float(value):.1f} % ({100 * value.lower:.1f} to {100 * value.upper:.1f})"
    met = {True: "met", False: "MISSED", None: ""}[result.met]
    middle = "" if result.median is None else str(result.median)
    return f"| {result.name} | {shown} | {middle} | {result.target} | {met} |"


def _saved(path: Path | None) -> dict[str, Result]:
    if path is None or not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {r["name"]: Result(**{**r, "value": Measured.from_dict(r["value"])}) for r in rows}


def main() -> int:
    """Print the tables; 10 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200 runs a cell")
    parser.add_argument("--resume", type=Path, help="JSON lines of the cells already played")
    asked = parser.parse_args()
    runs = 200 if asked.quick else 2000
    done, results = _saved(asked.resume), []
    print("| cell | runs that end so | median block | target | |\n|---|---|---|---|---|")
    for cell in cells():
        result = done.get(cell.name) or measure(cell, runs, 1)
        if asked.resume and cell.name not in done:
            with asked.resume.open("a") as file:
                file.write(json.dumps({**vars(result), "value": result.value.to_dict()}) + "\n")
        results.append(result)
        print(_row(result), flush=True)
    for result in speed(2_000 if asked.quick else MONTH):
        results.append(result)
        print(_row(result), flush=True)
    print()
    print("\n".join(rivals(runs)))
    return 10 if any(r.met is False for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
