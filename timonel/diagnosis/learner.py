"""The learner of diagnosis: boosted trees on histograms, cross-fitted, in numpy.

Domain classifiers, reference models and tests for a change of concept need one that finds interactions by
itself and answers for rows that it has not seen. Decision 24 says why it is not scikit-learn's.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from timonel.diagnosis.loss import Floats, logistic

Codes = NDArray[np.uint8]
Ints = NDArray[np.int64]

BINS = 32
TREES = 40
DEPTH = 3
RATE = 0.15
PENALTY = 10.0
"""Added to each leaf's curvature: few rows move a leaf little."""
LEAST_LEAF = 20.0
ROWS_A_TREE = 0.5
FOLDS = 2


@dataclass(frozen=True, slots=True)
class Tree:
    """A complete binary tree: at each inner node a row goes right where its code is above the cut."""

    column: Ints
    cut: Ints
    leaf: Floats

    def __call__(self, codes: Codes) -> Floats:
        """What it adds to the log-odds of each row."""
        node = np.zeros(len(codes), dtype=np.int64)
        rows = np.arange(len(codes))
        inner = len(self.column)
        while len(codes) and node[0] < inner:
            right = codes[rows, self.column[node]] > self.cut[node]
            node = 2 * node + 1 + right
        value: Floats = self.leaf[node - inner]
        return value


@dataclass(frozen=True, slots=True)
class Boosted:
    """A fitted model."""

    base: float
    trees: tuple[Tree, ...]
    order: NDArray[np.uint8]
    """(columns, BINS): the place of each code; categories stand by their share of positives."""
    gain: Floats
    """(columns,): the loss that splits on each column took away while fitting."""

    def logit(self, codes: Codes, offset: Floats | float = 0.0) -> Floats:
        """Log-odds of each row."""
        placed = _placed(codes, self.order)
        total = np.full(len(codes), self.base) + offset
        for tree in self.trees:
            total += tree(placed)
        return total


class Learner(Protocol):
    """What fits a model of a 0/1 outcome to coded rows."""

    def __call__(
        self,
        codes: Codes,
        categorical: NDArray[np.bool_],
        outcome: Floats,
        offset: Floats,
        rng: np.random.Generator,
    ) -> Boosted:
        """Fit `outcome` given codes (n, columns) below BINS, starting from log-odds `offset`."""


def boost(
    codes: Codes,
    categorical: NDArray[np.bool_],
    outcome: Floats,
    offset: Floats,
    rng: np.random.Generator,
) -> Boosted:
    """Second-order gradient boosting of the logistic loss.

    References:
        T. Chen, C. Guestrin: XGBoost. KDD 2016, section 2 (the gain and the leaf's value).
    """
    order = _order(codes, categorical, outcome)
    placed = _placed(codes, order)
    free = not offset.any()
    mean = np.clip(outcome.mean() if len(outcome) else 0.5, 1e-4, 1 - 1e-4)
    base = float(np.log(mean / (1 - mean))) if free else 0.0
    total = base + offset
    gain = np.zeros(codes.shape[1])
    trees = []
    for _ in range(TREES if len(outcome) and codes.shape[1] else 0):
        drawn = rng.random(len(outcome)) < ROWS_A_TREE
        chance = logistic(total)
        slope, curve = (outcome - chance)[drawn], (chance * (1 - chance))[drawn]
        tree = _grow(placed[drawn], slope, curve, gain)
        trees.append(tree)
        total = total + tree(placed)
    return Boosted(base, tuple(trees), order, gain)


def cross_fitted(
    learner: Learner,
    codes: Codes,
    categorical: NDArray[np.bool_],
    outcome: Floats,
    offset: Floats,
    fold: Ints,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Log-odds of each row by a model that has not seen its fold, and the columns' mean gain."""
    logit = np.zeros(len(outcome))
    gains = []
    for k in range(FOLDS):
        held = fold == k
        model = learner(codes[~held], categorical, outcome[~held], offset[~held], rng)
        logit[held] = model.logit(codes[held], offset[held])
        gains.append(model.gain)
    return logit, np.mean(gains, axis=0)


def _grow(codes: Codes, slope: Floats, curve: Floats, gain: Floats) -> Tree:
    inner = 2**DEPTH - 1
    column, cut = np.zeros(inner, dtype=np.int64), np.full(inner, BINS, dtype=np.int64)
    width = codes.shape[1] * BINS
    place = codes + np.arange(codes.shape[1], dtype=np.int32) * BINS
    slopes, curves = (np.repeat(v, codes.shape[1]) for v in (slope, curve))
    node = np.zeros(len(codes), dtype=np.int64)
    for depth in range(DEPTH):
        nodes, first = 2**depth, 2**depth - 1
        at = (place + (node - first)[:, None] * width).ravel()
        shape = (nodes, codes.shape[1], BINS)
        g = np.bincount(at, slopes, nodes * width).reshape(shape).cumsum(axis=2)
        h = np.bincount(at, curves, nodes * width).reshape(shape).cumsum(axis=2)
        _cut(g, h, first, (column, cut), gain)
        node = 2 * node + 1 + (codes[np.arange(len(codes)), column[node]] > cut[node])
    leaf = node - inner
    total, weight = (np.bincount(leaf, v, inner + 1) for v in (slope, curve))
    return Tree(column, cut, RATE * total / (weight + PENALTY))


def _cut(g: Floats, h: Floats, first: int, into: tuple[Ints, Ints], gain: Floats) -> None:
    """The best cut of each node of a level: the greatest gain, if both sides have rows enough."""
    whole = (g[:, :, -1:] ** 2) / (h[:, :, -1:] + PENALTY)
    gr, hr = g[:, :, -1:] - g, h[:, :, -1:] - h
    value: Floats = g**2 / (h + PENALTY) + gr**2 / (hr + PENALTY) - whole
    few = LEAST_LEAF / 4
    value = np.where((h < few) | (hr < few), 0.0, value).reshape(len(g), -1)
    best = value.argmax(axis=1)
    for k, at in enumerate(best.tolist()):
        if value[k, at] > 0:
            into[0][first + k], into[1][first + k] = at // BINS, at % BINS
            gain[at // BINS] += value[k, at]


def _order(codes: Codes, categorical: NDArray[np.bool_], outcome: Floats) -> NDArray[np.uint8]:
    order = np.tile(np.arange(BINS, dtype=np.uint8), (codes.shape[1], 1))
    middle = float(outcome.mean()) if len(outcome) else 0.0
    for j in np.flatnonzero(categorical):
        n = np.bincount(codes[:, j], minlength=BINS)
        positive = np.bincount(codes[:, j], outcome, BINS)
        rate = (positive + 10 * middle) / (n + 10)
        order[j, np.argsort(rate, kind="stable")] = np.arange(BINS)
    return order


def _placed(codes: Codes, order: NDArray[np.uint8]) -> Codes:
    return order[np.arange(codes.shape[1]), codes] if codes.size else codes
