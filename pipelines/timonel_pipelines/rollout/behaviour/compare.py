"""Two versions on the same rows, row by row: pure arithmetic."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.canary.block import Moments, Paired
from timonel_pipelines.rollout.behaviour.evidence import Replayed, Side
from timonel_pipelines.rollout.behaviour.names import (
    CALIBRATION,
    DISAGREEMENT,
    LABELLED,
    SCORES,
    Wanted,
)
from timonel_pipelines.rollout.behaviour.scorer import Scores

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_P = 1e-6
"""Probabilities are held this far from 0 in the log-loss, so that no row is worth more than 14."""


@dataclass(frozen=True, eq=False)
class Rows:
    """n rows with what both versions say of them."""

    stable: Scores
    canary: Scores
    labels: NDArray[np.int32]
    """The true class by its place, (n,); negative or beyond the classes: none of them."""
    fresh: Mask
    """Rows that are seen for the first time: what needs no label is counted of them."""
    labelled: Mask
    """Rows whose label is counted for the first time."""
    segments: Mapping[str, NDArray[np.object_]]
    """Columns as text."""

    def only(self, asked: Wanted) -> Mask:
        """The rows of a segment."""
        if asked.column is None:
            return np.ones(len(self.labels), dtype=bool)
        return np.asarray(self.segments[asked.column] == asked.value, dtype=bool)


def compared(rows: Rows, wanted: Sequence[Wanted]) -> Replayed:
    """The evidence for each metric that is wanted."""
    both = rows.stable.answered & rows.canary.answered
    known = (rows.labels >= 0) & (rows.labels < rows.stable.p.shape[1])
    fresh, labelled = rows.fresh & both, rows.labelled & both & known
    sides: tuple[_Parts, _Parts] = (_Parts(), _Parts())
    paired: dict[str, Paired] = {}
    losses: dict[str, Moments] = {}
    for one in wanted:
        inside = rows.only(one)
        if one.base == LABELLED:
            paired[one.name] = _paired(rows, labelled & inside)
        elif one.base in LOSSES:
            losses[one.name] = _difference(rows, labelled & inside, LOSSES[one.base])
        else:
            kept = inside & (labelled if one.base == CALIBRATION else fresh)
            for side, scores in zip(sides, (rows.stable, rows.canary), strict=True):
                side.add(one, rows, scores, kept)
    left_out = int(((rows.fresh & ~both) | (rows.labelled & ~(both & known))).sum())
    counted = int(fresh.sum()), int(labelled.sum()), left_out
    return Replayed(*counted, paired, losses, sides[0].side, sides[1].side)


def _paired(rows: Rows, kept: Mask) -> Paired:
    old, new = (s.decided[kept] != rows.labels[kept] for s in (rows.stable, rows.canary))
    return Paired(int(kept.sum()), int((new & ~old).sum()), int((old & ~new).sum()))


def log_loss(p: Floats, labels: NDArray[np.int32]) -> Floats:
    """Minus the logarithm of the probability of what was true, (n,)."""
    return np.asarray(-np.log(np.clip(p[np.arange(len(p)), labels], LEAST_P, 1.0)))


def brier(p: Floats, labels: NDArray[np.int32]) -> Floats:
    """Half the squared distance of the probabilities from what was true, (n,); of two classes (p - y)^2."""
    truth = np.eye(p.shape[1])[labels]
    return np.asarray(((p - truth) ** 2).sum(axis=1) / 2)


LOSSES: Mapping[str, Callable[[Floats, NDArray[np.int32]], Floats]] = {
    "log_loss": log_loss,
    "brier": brier,
}


def _difference(
    rows: Rows, kept: Mask, loss: Callable[[Floats, NDArray[np.int32]], Floats]
) -> Moments:
    labels = rows.labels[kept]
    return _moments(loss(rows.canary.p[kept], labels) - loss(rows.stable.p[kept], labels))


def _moments(values: Floats) -> Moments:
    return Moments(len(values), float(values.sum()), float((values**2).sum()))


class _Parts:
    """Gathers one version's side."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._of: dict[str, int] = {}
        self._histograms: dict[str, tuple[int, ...]] = {}
        self._values: dict[str, Moments] = {}

    @property
    def side(self) -> Side:
        return Side(self._counts, self._of, self._histograms, self._values)

    def add(self, one: Wanted, rows: Rows, scores: Scores, kept: Mask) -> None:
        score = _score(scores)[kept]
        if one.base == DISAGREEMENT:
            self._of[one.name] = int(kept.sum())
            differ = scores.decided[kept] != rows.stable.decided[kept]
            self._counts[one.name] = int(differ.sum())
        elif one.base == SCORES:
            # an edge belongs to the cell below it
            cells = np.searchsorted(one.edges, score, side="left")
            found = np.bincount(cells, minlength=len(one.edges) + 1)
            self._histograms[one.name] = tuple(found.tolist())
        else:
            self._values[one.name] = _moments(_outcome(scores, rows.labels)[kept] - score)


def _score(scores: Scores) -> Floats:
    """Of two classes the probability of the positive one, else that of the likeliest."""
    return scores.p[:, 1] if scores.p.shape[1] == 2 else np.asarray(scores.p.max(axis=1))


def _outcome(scores: Scores, labels: NDArray[np.int32]) -> Floats:
    """Whether that came true."""
    told = 1 if scores.p.shape[1] == 2 else scores.p.argmax(axis=1)
    return np.asarray((labels == told).astype(np.float64))
