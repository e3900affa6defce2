"""How often CBPE's interval holds the truth, and how soon labels expose it when it does not: Markdown tables.

    python benchmarks/estimate.py [--quick]

The world: 5 normal features, true log-odds with an interaction and a curve. The model: a logistic
regression on features, squares and products, fitted to 20,000 rows, its log-odds stretched by 1.4, so
that its scores are overconfident. The simple model lacks squares and products: its error differs from
place to place, and so the meaning of its score moves with the rows. Each run draws a reference anew and
a window from the shifted world; a window is covered if the realised metric lies in the 95 % interval.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from timonel.performance.estimate import CBPE
from timonel.performance.realised import labelled, realised

Floats = NDArray[np.float64]
Window = tuple[NDArray[np.int64], Floats, NDArray[np.int64]]
METRICS = ("auc", "accuracy", "precision", "recall", "f1")


@dataclass(frozen=True)
class World:
    """Where rows come from."""

    mean: float = 0.0
    """Mean of the first two features."""
    spread: float = 1.0
    """Standard deviation of all features."""
    base: float = -1.0
    """Log-odds at the centre."""
    weights: tuple[float, ...] = (1.0, -0.8, 0.6, 0.4, 0.0)

    def rows(self, n: int, rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
        """Features and labels."""
        x = rng.normal(0, self.spread, (n, 5))
        x[:, :2] += self.mean
        odds = self.base + x @ np.array(self.weights) + 0.3 * x[:, 0] * x[:, 2] + 0.2 * x[:, 1] ** 2
        return x, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int64)


HOME = World()
STRETCH = 1.4
THRESHOLD = 0.4
BENIGN = {
    "no shift": HOME,
    "covariate shift of .5 sd in two features": World(mean=0.5),
    "covariate shift of 1 sd in two features": World(mean=1.0),
    "narrower features": World(spread=0.8),
}
DRIFT = {
    "the strongest feature loses half its effect": replace(
        HOME, weights=(0.5, -0.8, 0.6, 0.4, 0.0)
    ),
    "the strongest feature loses its effect": replace(HOME, weights=(0.0, -0.8, 0.6, 0.4, 0.0)),
    "effects move to another feature": replace(HOME, weights=(0.4, -0.8, 0.6, 0.4, 1.0)),
    "prior shift: base rate rises by half": replace(HOME, base=-0.3),
}


def design(x: Floats, simple: bool) -> Floats:
    """What the model looks at."""
    columns = [x, np.ones((len(x), 1))]
    if not simple:
        i, j = np.triu_indices(5)
        columns.append(x[:, i] * x[:, j])
    return np.column_stack(columns)


@cache
def model(simple: bool) -> Floats:
    """Weights of a logistic regression, by Newton's method on 20,000 rows of the home world."""
    x, y = HOME.rows(20_000, np.random.default_rng(0))
    z = design(x, simple)
    theta = np.zeros(z.shape[1])
    for _ in range(15):
        p = 1 / (1 + np.exp(-z @ theta))
        theta += np.linalg.solve((z.T * (p * (1 - p))) @ z, z.T @ (y - p))
    return theta


def window(world: World, n: int, rng: np.random.Generator, simple: bool = False) -> Window:
    """Labels, scores and predictions of the model on rows of this world."""
    x, y = world.rows(n, rng)
    score = 1 / (1 + np.exp(-STRETCH * design(x, simple) @ model(simple)))
    return y, score, (score >= THRESHOLD).astype(np.int64)


def coverage(
    world: World, reference: int, n: int, runs: int, simple: bool = False
) -> dict[str, float]:
    """The share of windows of which the interval holds the realised metric."""
    rng = np.random.default_rng(1)
    hits: dict[str, list[bool]] = {m: [] for m in METRICS}
    for run in range(runs):
        cbpe = CBPE(METRICS, bootstraps=50, seed=run).fit(*window(HOME, reference, rng, simple))
        y, score, predicted = window(world, n, rng, simple)
        truth = realised(labelled(y, score, predicted))
        for name, e in cbpe.estimate(score, predicted).items():
            if e.ok and truth[name].ok:
                hits[name].append(e.lower <= truth[name] <= e.upper)
    return {name: float(np.mean(found)) for name, found in hits.items()}


def coverage_rows(runs: int, simple: bool) -> Iterator[str]:
    """Rows of the table of coverage."""
    for name, world in BENIGN.items():
        for reference, n in ((500, 500), (2000, 500), (10_000, 2000)):
            found = coverage(world, reference, n, runs, simple)
            cells = " | ".join(f"{found[m]:.1%}" for m in METRICS)
            yield f"| {name} | {reference:,} | {n:,} | {cells} |"


def first_distrust(cbpe: CBPE, world: World, n: int, windows: int, rng: np.random.Generator) -> int:
    """Which matured window of this world (from 1) makes the estimates untrusted; windows + 1 if none does."""
    for k in range(1, windows + 1):
        if not cbpe.check(*window(world, n, rng)).trusted:
            return k
    return windows + 1


def distrust_rows(runs: int) -> Iterator[str]:
    """Rows of the table of distrust: 20 benign windows first, then 5 of each drift."""
    for n in (500, 1000, 2000):
        rng, healthy = np.random.default_rng(2), 0
        found: dict[str, list[int]] = {name: [] for name in DRIFT}
        for _ in range(runs):
            cbpe = CBPE(METRICS, bootstraps=50).fit(*window(HOME, 10_000, rng))
            if first_distrust(cbpe, HOME, n, 20, rng) <= 20:
                continue
            healthy += 1
            for name, world in DRIFT.items():
                again = CBPE.from_dict(cbpe.to_dict())
                found[name].append(first_distrust(again, world, n, 5, rng))
        for name, first in found.items():
            late = np.array(first)
            shares = " | ".join(f"{(late <= k).mean():.0%}" for k in (1, 2, 5))
            yield (
                f"| {name} | {n:,} | {runs - healthy} of {runs} | {shares} |"
                f" {((6 - late) / 5).mean():.0%} |"
            )


def show(title: str, header: str, rows: Iterator[str]) -> None:
    """Print a table, a row as soon as it is known."""
    print(f"\n{title}\n\n{header}\n{'|---' * (header.count('|') - 1)}|")
    for row in rows:
        print(row, flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    runs = 40 if parser.parse_args().quick else 300
    header = "| shift | reference rows | window rows | " + " | ".join(METRICS) + " |"
    show("Benign windows covered", header, coverage_rows(runs, simple=False))
    show("The same with the simple model", header, coverage_rows(runs, simple=True))
    show(
        "Distrust",
        "| drift after 20 benign windows | rows a window | distrusted before | by the first window"
        " | by the second | by the fifth | of drifted windows |",
        distrust_rows(runs // 3),
    )


if __name__ == "__main__":
    main()
