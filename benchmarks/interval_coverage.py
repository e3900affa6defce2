"""How often the 95 % intervals of the monitor's metrics hold the truth: a Markdown table.

    python benchmarks/interval_coverage.py [--runs 1000]

Scores are logit-normal; outcomes follow them (calibrated) or a distorted copy of them (miscalibrated).
The truth is that of 4 million rows drawn in the same way. All is seeded.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
from pack_sums import sums_of
from timonel.performance.packs import BinaryPack, ServicePack
from timonel.performance.packs.deferred import Layers
from timonel.performance.value import Measured

DAY = 86_400.0
K = 50
BINARY, SERVICE = BinaryPack(cases_per_day=K), ServicePack()
WORLDS = {
    "calibrated, 23 % positive": (-2.0, 1.0, 0.0),
    "miscalibrated, 23 % positive": (-2.0, 0.7, -0.3),
    "calibrated, 2 % positive": (-6.0, 1.0, 0.0),
}
"""Mean of the logit, and slope and offset of the true logit in it."""
POPULATION = 4_000_000


def draw(rng: np.random.Generator, n: int, world: tuple[float, float, float]) -> dict[str, Any]:
    """Columns of n predictions with their outcome and latency."""
    centre, slope, offset = world
    logit = rng.normal(centre, 2.0, n)
    score = 1 / (1 + np.exp(-logit))
    truth = 1 / (1 + np.exp(-(slope * logit + offset)))
    return {
        "score": score,
        "predicted": (score >= 0.3).astype(np.int8),
        "actual": (rng.random(n) < truth).astype(np.int8),
        "latency_us": rng.lognormal(9, 0.7, n).astype(np.int64),
        "status": np.zeros(n, np.int8),
        "null": np.zeros(n, bool),
        "violations": np.zeros(n, np.int32),
    }


def truth(world: tuple[float, float, float]) -> dict[str, float]:
    """What the metrics would be of all rows."""
    columns = draw(np.random.default_rng(2**31), POPULATION, world)
    m = BINARY.metrics(sums_of(BINARY, columns), DAY)
    names = ("precision", "recall", "fbeta", "ece", "brier", "log_loss")
    exact = {name: float(m[name]) for name in names}
    y, s = columns["actual"][:1_000_000], columns["score"][:1_000_000]
    exact |= {"roc_auc": roc_auc_score(y, s), "pr_auc": average_precision_score(y, s)}
    if world is not WORLDS[next(iter(WORLDS))]:
        return exact  # latency is the same in all of them
    latency = columns["latency_us"] / 1000
    exact |= {f"p{q}_latency_ms": float(np.percentile(latency, q)) for q in (50, 95, 99)}
    return exact | {"mean_latency_ms": float(latency.mean())}


def measure(columns: Mapping[str, Any]) -> Mapping[str, Measured]:
    """What a window of these rows shows."""
    return Layers(
        BINARY.metrics(sums_of(BINARY, columns), DAY),
        SERVICE.metrics(sums_of(SERVICE, columns), DAY),
    )


def report(world: str, n: int, runs: int) -> None:
    """Print the lines of one world and window size."""
    exact = truth(WORLDS[world])
    found: dict[str, list[Measured]] = {name: [] for name in exact}
    for seed in range(runs):
        m = measure(draw(np.random.default_rng(seed), n, WORLDS[world]))
        for name in exact:
            if m[name].ok:
                found[name].append(m[name])
    for name, values in found.items():
        if len(values) < runs / 2:
            print(f"| {name} | {world} | {n:,} | {exact[name]:.4g} | too few rows | | |")
            continue
        held = np.mean([holds(v, exact[name]) for v in values])
        width = np.median([v.upper - v.lower for v in values if v.upper is not None] or [np.nan])
        shown = f"{width:.2g}" if np.isfinite(width) else "open"
        mean = np.mean([float(v) for v in values])
        print(
            f"| {name} | {world} | {n:,} | {exact[name]:.4g} | {mean:.4g} | {held:.1%} | {shown} |"
        )


def holds(value: Measured, exact: float) -> bool:
    """Whether the interval holds the truth; an end that is None is open."""
    above = value.lower is None or value.lower <= exact
    return above and (value.upper is None or exact <= value.upper)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rows", type=int, nargs="+", default=[300, 2000])
    asked = parser.parse_args()
    print("| metric | rows are | rows | truth | mean value | interval holds it | median width |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for world in WORLDS:
        for n in asked.rows:
            report(world, n, asked.runs)


if __name__ == "__main__":
    main()
