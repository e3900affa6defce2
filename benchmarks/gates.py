"""Error rates and power of the gates between challenger and champion, on simulated rows.

    python benchmarks/gates.py [--quick]

Both models see the true log odds with noise of their own; more noise is a worse model. Rows come alone or in
entities that share their difficulty. Shown: how often superiority is concluded where both are equal (at most
alpha = 5 %) and where the challenger is right one point more often; how often a challenger that is equal in
ten slices is refused for one of them (at most 5 %), and how often one slice that is worse is found. Exit code
1 if an error rate is beyond what chance explains.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.config import Costs
from timonel.retraining.gates import Contrast, Verdict, paired, slices, superior, within
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.contest.duel import LOSSES
from timonel_components.metrics.figures import metric
from timonel_components.metrics.scored import Scored

ALPHA = 0.05
SLICES = 10
SPREAD = 1.5
"""Standard deviation of the true log odds."""
NOISE = 1.0
"""Of a champion's log odds around the true ones."""


@dataclass(frozen=True)
class Rows:
    """Rows that two models scored."""

    old: Scored
    new: Scored
    entity: NDArray[np.int64] | None


def draw(rng: np.random.Generator, n: int, noise: float, per_entity: int = 1) -> Rows:
    """Rows with a challenger of so much noise; rows of an entity share their odds and both errors."""
    units = n // per_entity

    def normal(scale: float) -> NDArray[np.float64]:
        return np.repeat(rng.normal(0, scale, units), per_entity)

    truth = normal(SPREAD) - 1.0
    y = (rng.random(len(truth)) < logistic(truth)).astype(np.int64)
    entity = np.repeat(np.arange(units), per_entity) if per_entity > 1 else None
    return Rows(scored(y, truth + normal(NOISE)), scored(y, truth + normal(noise)), entity)


def logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of log odds."""
    p: NDArray[np.float64] = 1 / (1 + np.exp(-x))
    return p


def scored(y: NDArray[np.int64], logit: NDArray[np.float64]) -> Scored:
    """Rows with the probabilities of these log odds."""
    p = logistic(logit)
    return Scored(y, np.column_stack([1 - p, p]), 0.5, Costs())


def by_row(name: str) -> Callable[[Rows], Contrast]:
    """The contrast of a metric that is a mean over rows."""
    loss = LOSSES[name]
    return lambda rows: paired(loss(rows.new), loss(rows.old), rows.entity)


def by_bootstrap(name: str) -> Callable[[Rows], Contrast]:
    """The contrast of any other metric, as the gates take it."""
    figure = metric(name)

    def contrast(rows: Rows) -> Contrast:
        bootstrap = Bootstrap(500, 0.95, 0, rows.entity)
        error = bootstrap.error(rows.new, rows.old, figure)
        value = figure.of(rows.old) - figure.of(rows.new)
        return Contrast(value, error or 0.0, bootstrap.units or len(rows.new), len(rows.new))

    return contrast


def rate(
    runs: int, n: int, noise: float, per_entity: int, contrast: Callable[[Rows], Contrast]
) -> float:
    """How often superiority is concluded."""
    rng = np.random.default_rng([n, per_entity, round(100 * noise)])
    found = (contrast(draw(rng, n, noise, per_entity)) for _ in range(runs))
    return sum(superior(c, ALPHA) is Verdict.HOLDS for c in found) / runs


def pooled(runs: int, n: int, per_entity: int) -> float:
    """The same for equal models, when rows of an entity are taken for independent ones."""
    blind = by_row("log_loss")

    def contrast(rows: Rows) -> Contrast:
        return blind(Rows(rows.old, rows.new, None))

    return rate(runs, n, NOISE, per_entity, contrast)


def better_by_a_point(rows: int = 2_000_000) -> float:
    """The noise of a challenger that is right one point more often than the champion."""
    low, high = 0.0, NOISE
    for _ in range(25):
        noise = (low + high) / 2
        drawn = draw(np.random.default_rng(0), rows, noise)
        gain = float((LOSSES["accuracy"](drawn.old) - LOSSES["accuracy"](drawn.new)).mean())
        low, high = (noise, high) if gain > 0.01 else (low, noise)
    return noise


def sliced(runs: int, n: int, noise: float, margin: float = 0.1) -> dict[str, float]:
    """Ten slices, in the first of which the challenger has this noise: verdicts, as shares of runs."""
    rng = np.random.default_rng([n, round(100 * noise)])
    counts = {"refused": 0, "found": 0, "shown safe": 0}
    for _ in range(runs):
        drawn = [draw(rng, n, noise if i == 0 else NOISE) for i in range(SLICES)]
        loss = by_row("log_loss")
        found = [loss(rows) for rows in drawn]
        margins = [margin * float(LOSSES["log_loss"](rows.old).mean()) for rows in drawn]
        verdicts = slices(found, margins, ALPHA)
        counts["refused"] += Verdict.FAILS in verdicts
        counts["found"] += verdicts[0] is Verdict.FAILS
        counts["shown safe"] += verdicts[0] is Verdict.HOLDS
    return {name: count / runs for name, count in counts.items()}


def unsafe(runs: int, n: int, margin: float) -> float:
    """How often a loss that is as large as the margin is taken for a smaller one."""
    rng = np.random.default_rng([n, 7])
    found = (Contrast(margin + rng.normal(0, 0.01), 0.01, n, n) for _ in range(runs))
    return sum(within(c, margin, ALPHA) is Verdict.HOLDS for c in found) / runs


def main() -> None:
    """Print the table; exit code 1 if an error rate is too high."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="a fifth of the runs")
    runs = 400 if options.parse_args().quick else 2000
    began, beyond = time.perf_counter(), list[bool]()
    print("| equal models: superiority concluded | rows | rate |\n|---|---|---|")
    for label, n, per_entity, contrast, count in cases(runs):
        found = rate(count, n, NOISE, per_entity, contrast)
        beyond.append(too_often(found, count))
        print(f"| {label} | {n:,} | {found:.1%} |", flush=True)
    print(
        f"| log_loss, 20 rows an entity, taken for independent | 2,000 | {pooled(runs, 2000, 20):.1%} |"
    )
    deceived = unsafe(10 * runs, 500, 0.05)
    beyond.append(too_often(deceived, 10 * runs))
    print(f"\nas bad as the margin, taken to be within it: {deceived:.1%}\n")
    noise = better_by_a_point()
    print(
        "| one point of accuracy better: found by | 1,000 | 3,000 | 10,000 | 30,000 rows |\n"
        + 5 * "|---"
        + "|"
    )
    for name in ("accuracy", "log_loss", "brier"):
        powers = [rate(runs // 4, n, noise, 1, by_row(name)) for n in (1000, 3000, 10_000, 30_000)]
        print(f"| {name} | " + " | ".join(f"{p:.0%}" for p in powers) + " |", flush=True)
    print(
        "\n| ten slices, the first | rows a slice | refused | the slice found | shown safe |\n"
        + 5 * "|---"
        + "|"
    )
    for label, worse in (("as the others", NOISE), ("worse", 1.5), ("much worse", 2.0)):
        for n in (300, 1000):
            shares = sliced(runs // 2, n, worse)
            beyond += [too_often(shares["refused"], runs // 2)] if worse == NOISE else []
            print(f"| {label} | {n:,} | " + " | ".join(f"{v:.1%}" for v in shares.values()) + " |")
    print(f"\ntook {time.perf_counter() - began:.0f} s")
    sys.exit(any(beyond))


def too_often(found: float, runs: int) -> bool:
    """Whether so many errors are more than chance explains."""
    return found > ALPHA + 3 * (ALPHA * (1 - ALPHA) / runs) ** 0.5


Case = tuple[str, int, int, Callable[[Rows], Contrast], int]


def cases(runs: int) -> list[Case]:
    """What equal models are compared by: label, rows, rows of an entity, contrast, runs."""
    by_mean = [(name, n, 1, by_row(name), runs) for name in LOSSES for n in (300, 3000)]
    clustered = [("log_loss, 20 rows an entity", 2000, 20, by_row("log_loss"), runs)]
    ranked = [("pr_auc", 1000, 1, by_bootstrap("pr_auc"), runs // 4)]
    return [*by_mean, *clustered, *ranked]


if __name__ == "__main__":
    main()
