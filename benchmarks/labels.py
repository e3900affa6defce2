"""What early reads and a few labels are worth: Markdown tables.

    python benchmarks/labels.py

Fraud-like predictions whose positive labels come late. Early reads are of predictions up to 10 days old; the
arrival curves come from a history of 90 days. A few labels are drawn from 5,000 rows, with and without
a tenth of the labels being the opposite of what the score says.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.performance.label_efficient import METRICS, estimate_from_labels, plan_labels
from timonel.performance.maturity import (
    arrival_weights,
    effective_sample_size,
    fit_arrival_by_class,
)
from timonel.performance.realised import labelled, realised
from timonel.performance.value import Measured

Floats = NDArray[np.float64]
SHOWN = ("accuracy", "precision", "recall")


@dataclass(frozen=True)
class Log:
    """Predictions with labels that have or have not arrived."""

    label: NDArray[np.intp]
    score: Floats
    predicted: NDArray[np.intp]
    age: Floats
    delay: Floats

    @classmethod
    def draw(cls, n: int, oldest: float, rng: np.random.Generator) -> "Log":
        """Mean delays: 1 day for negatives, 25 days for positives."""
        risk = rng.beta(0.9, 1.3, n)
        label = (rng.random(n) < risk).astype(np.intp)
        score = np.clip(risk * 0.75, 0, 1)
        delay = rng.exponential(np.where(label == 1, 25.0, 1.0))
        predicted = (score > 0.42).astype(np.intp)
        return cls(label, score, predicted, rng.uniform(0, oldest, n), delay)

    def arrived(self) -> "Log":
        """Those with a label by now."""
        keep = self.delay <= self.age
        columns = (self.label, self.score, self.predicted, self.age, self.delay)
        return Log(*(c[keep] for c in columns))

    def metrics(self, weight: Floats | None = None) -> dict[str, Measured]:
        """The realised metrics of these rows."""
        rows = labelled(self.label, self.score, self.predicted, weight=weight, classes=[0, 1])
        return realised(rows, SHOWN)


def early_rows(runs: int) -> Iterator[str]:
    """The mean of each metric over the runs, and how often the interval holds the true value."""
    reads: dict[str, list[dict[str, Measured]]] = {"all labels": [], "arrived": [], "weighted": []}
    worth = []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        history, now = Log.draw(20_000, 90, rng).arrived(), Log.draw(5000, 10, rng)
        curves = fit_arrival_by_class(history.label, history.delay, history.age)
        early = now.arrived()
        weight = arrival_weights(curves, early.label, early.age)
        for name, found in zip(
            reads, (now.metrics(), early.metrics(), early.metrics(weight)), strict=True
        ):
            reads[name].append(found)
        worth.append((len(weight), effective_sample_size(weight)))
    for name, found in reads.items():
        cells = [f"{np.mean([float(f[m]) for f in found]):.3f}" for m in SHOWN]
        held = [f"{np.mean(covered(found, reads['all labels'], m)):.0%}" for m in SHOWN]
        yield f"| {name} | {' | '.join(cells)} | {', '.join(held)} |"
    arrived, effective = np.mean(worth, axis=0)
    yield f"| labels of 5,000: {arrived:,.0f} arrived, worth {effective:,.0f} | | | | |"


def covered(
    found: list[dict[str, Measured]], truth: list[dict[str, Measured]], metric: str
) -> list[bool]:
    """Whether each interval holds the value that all labels give."""
    pairs = zip(found, truth, strict=True)
    return [bool(f[metric].lower <= t[metric] <= f[metric].upper) for f, t in pairs]


def sample_rows(runs: int) -> Iterator[str]:
    """Coverage and variance of a stratified sample, beside one at random."""
    for lie in (0.0, 0.1):
        rng = np.random.default_rng(1)
        score = rng.beta(0.3, 1.5, 5000)
        y = ((rng.random(5000) < score) ^ (rng.random(5000) < lie)).astype(int)
        yhat = (score > 0.3).astype(int)
        truth = realised(labelled(y, score, yhat), METRICS)
        for budget in (200, 500, 1000):
            yield (
                f"| {lie:.0%} | {budget} | "
                + " | ".join(sample_cells(y, score, yhat, truth, budget, runs))
                + " |"
            )


def sample_cells(
    y: NDArray[np.int64],
    score: Floats,
    yhat: NDArray[np.int64],
    truth: dict[str, Measured],
    budget: int,
    runs: int,
) -> Iterator[str]:
    """For each metric: coverage, and how many random labels one chosen label is worth."""
    chosen, at_random = [], []
    for seed in range(runs):
        plan = plan_labels(score, budget, seed=seed)
        r = plan.rows
        chosen.append(estimate_from_labels(plan, y[r], score[r], yhat[r]))
        s = np.random.default_rng(seed).choice(len(y), budget, replace=False)
        at_random.append(realised(labelled(y[s], score[s], yhat[s]), METRICS))
    for m in METRICS:
        held = np.mean(covered(chosen, [truth] * runs, m))
        gain = np.var([float(f[m]) for f in at_random]) / np.var([float(f[m]) for f in chosen])
        yield f"{held:.0%}, {gain:.1f}x"


def show(title: str, header: str, rows: Iterator[str]) -> None:
    """Print a table, a row as soon as it is known."""
    print(f"\n{title}\n\n{header}\n{'|---' * (header.count('|') - 1)}|")
    for row in rows:
        print(row, flush=True)


def main() -> None:
    """Print the tables."""
    show(
        "Early reads",
        "| read | " + " | ".join(SHOWN) + " | interval holds the value of all labels |",
        early_rows(200),
    )
    show(
        "A few labels: intervals that hold the truth, random labels that one is worth",
        "| labels against the score | labels | " + " | ".join(METRICS) + " |",
        sample_rows(400),
    )


if __name__ == "__main__":
    main()
