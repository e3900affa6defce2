"""A small world to backtest: a logistic rule in two numbers, and a learner of the tests' own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.backtest import Decision, History, Retrain, Situation, Wait

START = datetime(2024, 1, 1, tzinfo=UTC)
"""A Monday."""
Floats = NDArray[np.float64]


def sigmoid(z: Floats) -> Floats:
    """The logistic function."""
    return 1 / (1 + np.exp(-z))


def world(days: int, a_day: int, seed: int, delay: timedelta = timedelta(0)) -> History:
    """`a_day` rows a day whose label depends on `x` and not on `noise`."""
    rng = np.random.default_rng(seed)
    n = days * a_day
    x, noise = rng.normal(size=(2, n))
    label = (rng.random(n) < sigmoid(1.5 * x)).astype(np.intp)
    return played(x, noise, label, a_day, delay)


def played(
    x: Floats, noise: Floats, label: NDArray[np.intp], a_day: int, delay: timedelta = timedelta(0)
) -> History:
    """A history of such rows, evenly spread over the days."""
    step = timedelta(days=1) / a_day
    times = pa.array([START + i * step for i in range(len(x))], pa.timestamp("us", tz="UTC"))
    table = pa.table({"t": times, "x": x, "noise": noise, "y": label})
    return History.of(table, time="t", label=label, classes=(0, 1), delay=delay)


@dataclass(frozen=True)
class Line:
    """A logistic regression."""

    weights: Floats
    threshold: float | None = 0.5
    held_out: int = 0

    def score(self, table: pa.Table) -> Floats:
        """The probability of both classes."""
        p = sigmoid(_design(table) @ self.weights)
        return np.stack([1 - p, p], axis=1)


@dataclass
class Learner:
    """Fits by Newton's method with a little ridge; remembers what it was given."""

    given: list[pa.Table] = field(default_factory=list)

    def fit(self, table: pa.Table) -> Line:
        """Learn from the rows."""
        self.given.append(table)
        X, y = _design(table), table["y"].to_numpy().astype(np.float64)
        w = np.zeros(X.shape[1])
        for _ in range(8):
            p = sigmoid(X @ w)
            hessian = X.T @ (X * (p * (1 - p))[:, None]) + 1e-3 * np.eye(len(w))
            w = w + np.linalg.solve(hessian, X.T @ (y - p) - 1e-3 * w)
        return Line(w)


@dataclass
class Watched:
    """A policy that remembers what it saw."""

    answer: Callable[[Situation], Decision] = lambda situation: Wait()
    seen: list[Situation] = field(default_factory=list)
    name: str = "watched"

    def decide(self, situation: Situation) -> Decision:
        """Remember, then answer."""
        self.seen.append(situation)
        return self.answer(situation)


def retrain(situation: Situation) -> Decision:
    """Always."""
    return Retrain("the test wants it")


def _design(table: pa.Table) -> Any:
    columns = [table[name].to_numpy() for name in ("x", "noise")]
    return np.column_stack([np.ones(table.num_rows), *columns])
