"""A classifier two-sample test: can the window's rows be told from the reference's, all columns together?

It sees what no test of single columns can: a changed correlation between columns that each look as ever.
A ridge-regularised linear discriminant is cross-fitted on rank scores, their squares and products, category
and missing-value indicators; its area under the ROC curve on held-out rows is 0.5 where nothing has changed.
The p-value comes from permuting the labels and fitting anew, so the level is exact at any number of rows.

References:
    Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests, ICLR, section 3.
    Kim, Ramdas, Singh & Wasserman (2021), Classification accuracy as a proxy for two-sample testing,
    Ann. Stat. 49(1). Phipson & Smyth (2010), Permutation p-values should never be zero, SAGMB 9(1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from timonel.drift.design import Design, design
from timonel.errors import BadInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDS = 5
RIDGE = 0.1
"""Added to the diagonal of the columns' correlation matrix."""
ENOUGH_ROWS = 30
NAMED_DRIVERS = 5


@dataclass(frozen=True, slots=True)
class Driver:
    """A feature, or a pair of them, that tells the window's rows from the reference's."""

    feature: str
    share: float
    """Its part in the gap between the mean scores of window and reference."""


@dataclass(frozen=True, slots=True)
class ClassifierDrift:
    """What the classifier found. None: the figure has no value here."""

    verdict: Literal["drift", "no drift", "too few rows", "no data"]
    alpha: float
    auc: float | None
    """Of held-out rows: the chance that a row of the window scores above one of the reference."""
    auc_needed: float | None
    """The least AUC at which the window had been called drifted."""
    p: float | None
    permutations: int
    n_reference: int
    n_current: int
    paired: bool
    """Whether products of pairs of columns were in, so that changed correlations can be seen."""
    drivers: tuple[Driver, ...]

    @property
    def alarm(self) -> bool:
        """Whether the window has drifted."""
        return self.verdict == "drift"

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values that JSON can hold."""
        return {**asdict(self), "alarm": self.alarm, "drivers": [asdict(d) for d in self.drivers]}


def classifier_two_sample(
    reference: Any,
    current: Any,
    alpha: float = 0.05,
    *,
    categorical: Iterable[str] = (),
    permutations: int = 199,
    seed: int = 0,
) -> ClassifierDrift:
    """Compare the joint distribution of the columns that both tables have.

    Args:
        reference: a table (pyarrow, pandas, polars, mapping of arrays).
        current: the window, a table.
        alpha: the chance of an alarm in a window without drift.
        categorical: columns that are categories even where they are numbers.
        permutations: fits under permuted labels; p is a multiple of 1 / (permutations + 1).
        seed: of the permutations and folds.

    Raises:
        BadInput: for what is not a table, and where `permutations` are too few for `alpha`.
    """
    if not 0 < alpha < 1 or permutations + 1 < 1 / alpha:
        raise BadInput(
            f"alpha is {alpha} with {permutations} permutations, expected an alpha between 0 and 1 and"
            " at least 1/alpha - 1 permutations",
            fix="raise permutations",
        )
    pooled = design(reference, current, categorical)
    rows, rows_current = pooled.rows_reference, len(pooled.matrix) - pooled.rows_reference
    if min(rows, rows_current) < ENOUGH_ROWS or not pooled.sources:
        return _undecided(pooled, alpha, rows, max(rows_current, 0))
    aucs = _permuted_aucs(pooled, permutations, np.random.default_rng(seed))
    p = float((aucs >= aucs[0]).sum() / len(aucs))
    needed = float(np.sort(aucs[1:])[::-1][int(alpha * len(aucs)) - 1])
    return ClassifierDrift(
        "drift" if p <= alpha else "no drift",
        alpha,
        float(aucs[0]),
        needed,
        p,
        permutations,
        rows,
        rows_current,
        pooled.paired,
        _drivers(pooled),
    )


def _undecided(pooled: Design, alpha: float, rows: int, rows_current: int) -> ClassifierDrift:
    verdict: Literal["too few rows", "no data"] = (
        "too few rows" if pooled.sources and rows and rows_current else "no data"
    )
    return ClassifierDrift(
        verdict, alpha, None, None, None, 0, rows, rows_current, pooled.paired, ()
    )


def _permuted_aucs(pooled: Design, permutations: int, rng: np.random.Generator) -> Floats:
    """The mean AUC over folds for the true labels, then for each permutation of them."""
    order = rng.permutation(len(pooled.matrix))
    matrix = pooled.matrix[order]
    true = (order >= pooled.rows_reference).astype(np.float64)
    labels = np.column_stack([true, *(rng.permutation(true) for _ in range(permutations))])
    folds = np.array_split(np.arange(len(matrix)), FOLDS)
    gram, cross = matrix.T @ matrix, matrix.T @ (labels - true.mean())
    aucs = np.zeros(labels.shape[1])
    for fold in folds:
        held, held_labels = matrix[fold], labels[fold]
        inner = gram - held.T @ held
        outer = cross - held.T @ (held_labels - true.mean())
        weights = _discriminant(inner, outer, len(matrix) - len(fold))
        aucs += _aucs(held @ weights, held_labels) / FOLDS
    return aucs


def _discriminant(gram: Floats, cross: Floats, rows: int) -> Floats:
    return np.linalg.solve(gram / rows + RIDGE * np.eye(len(gram)), cross / rows)


def _aucs(scores: Floats, labels: Floats) -> Floats:
    """The AUC of each column of scores; the rows come in random order, which breaks ties fairly."""
    places = np.argsort(scores, axis=0, kind="stable")
    sorted_labels = np.take_along_axis(labels, places, axis=0)
    ranks = np.arange(1.0, len(scores) + 1)
    hits = labels.sum(0)
    pairs = hits * (len(scores) - hits)
    above = ranks @ sorted_labels - hits * (hits + 1) / 2
    return np.where(pairs > 0, above / np.maximum(pairs, 1.0), 0.5)


def _drivers(pooled: Design) -> tuple[Driver, ...]:
    """The features by their part in the gap of the mean scores, fitted on all rows."""
    labels = (np.arange(len(pooled.matrix)) >= pooled.rows_reference).astype(np.float64)
    matrix, rows = pooled.matrix, len(pooled.matrix)
    weights = _discriminant(matrix.T @ matrix, matrix.T @ (labels - labels.mean()), rows)
    gaps = matrix[labels == 1].mean(0) - matrix[labels == 0].mean(0)
    return _largest(pooled.sources, np.maximum(weights * gaps, 0.0))


def _largest(sources: Sequence[str], parts: Floats) -> tuple[Driver, ...]:
    by_source: dict[str, float] = {}
    for source, part in zip(sources, parts.tolist(), strict=True):
        by_source[source] = by_source.get(source, 0.0) + part
    total = sum(by_source.values())
    ranked = sorted(by_source.items(), key=lambda item: -item[1])[:NAMED_DRIVERS]
    return tuple(Driver(name, part / total) for name, part in ranked if total > 0 and part > 0)
