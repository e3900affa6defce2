"""The metrics of a plan as rows of arrays: one stream each share of requests that is compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.canary.bernoulli import Floats
from timonel.canary.block import Arm, Block
from timonel.canary.metric import Metric
from timonel.errors import BadInput
from timonel.terms import Assignment, Evidence

COUNTED = (Evidence.RATE, Evidence.LATENCY, Evidence.SCORES)
PRIOR_EVENTS = 20.0
"""A base rate known before weighs as much as so many bad requests."""


@dataclass(frozen=True)
class Streams:
    """What the arithmetic needs of the plan. Arrays are (streams,), those of a metric side by side."""

    metrics: tuple[Metric, ...]
    """Those that are counted as shares."""
    starts: NDArray[np.intp]
    """The first stream of each metric."""
    ratio: Floats
    harm_shift: Floats
    safe_at: NDArray[np.intp]
    """The streams that safety is judged on, one of each metric that must be shown harmless."""
    safe_shift: Floats
    """Of those."""
    known: NDArray[np.bool_]
    """Whether a stream's noise is known before the start."""
    noise: Floats
    prior: Floats
    """Base rates known before; 0 where there is none."""
    gated: NDArray[np.bool_]
    """Edges of latency: bet on only while the champion's tail is neither rare nor almost all."""
    rates: NDArray[np.bool_]
    """Whether a stream is a rate that can roll back: half of the requests bad is then a crude limit."""
    clustering: float
    """(m - 1) * icc of m requests an entity."""
    sticky: bool

    def __len__(self) -> int:
        return len(self.ratio)

    def design_effect(self, counts: Floats) -> Floats:
        """How much repeated entities widen the difference of the arms, (..., streams).

        Sticky: 1 + (m - 1) icc. By request an entity's requests fall in both arms, and only those that
        meet in one are alike in what its version does to it: of the canary's share w, 1 + (m - 1) icc w,
        of the champion's 1 + (m - 1) icc (1 - w), together (m - 1) icc 2 w (1 - w).
        """
        if not self.clustering:
            return np.ones(counts.shape[:-1])
        if self.sticky:
            return np.full(counts.shape[:-1], 1 + self.clustering)
        w = counts[..., 2] / np.maximum(counts[..., 0] + counts[..., 2], 1.0)
        return np.asarray(1 + self.clustering * 2 * w * (1 - w))


def compiled(metrics: Sequence[Metric], assignment: Assignment, clustering: float) -> Streams:
    """The streams of all metrics that are counted as shares."""
    counted = tuple(m for m in metrics if m.kind in COUNTED)
    sizes = [stream_count(m) for m in counted]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)[:-1]

    def repeated(values: list[float]) -> Floats:
        return np.repeat(np.array(values, dtype=np.float64), sizes)

    required = [(m, int(s)) for m, s in zip(counted, starts, strict=True) if m.required]
    return Streams(
        counted,
        starts,
        ratio=repeated([m.ratio for m in counted]),
        harm_shift=repeated([m.harm_margin for m in counted]),
        safe_at=np.array([s + safe_stream(m) for m, s in required], dtype=np.intp),
        safe_shift=np.array([m.margin for m, _ in required], dtype=np.float64),
        known=np.repeat([m.noise is not None for m in counted], sizes).astype(bool),
        noise=np.array([x for m in counted for x in _noises(m)], dtype=np.float64),
        prior=np.array([p for m in counted for p in _priors(m)], dtype=np.float64),
        gated=np.repeat([m.kind is Evidence.LATENCY for m in counted], sizes).astype(bool),
        rates=np.repeat([m.harms and m.kind is Evidence.RATE for m in counted], sizes).astype(bool),
        clustering=clustering,
        sticky=assignment is Assignment.STICKY,
    )


def stream_count(metric: Metric) -> int:
    """How many shares a metric is compared by."""
    if metric.kind is Evidence.RATE:
        return 1
    return len(metric.edges) * (2 if metric.kind is Evidence.SCORES else 1)


def safe_stream(metric: Metric) -> int:
    """Which of its streams says that a metric is harmless, and is shown."""
    return metric.slo_edge if metric.kind is Evidence.LATENCY else 0


def _priors(metric: Metric) -> list[float]:
    priors = [0.0] * stream_count(metric)
    if metric.kind is not Evidence.SCORES:
        priors[safe_stream(metric)] = metric.base_rate or 0.0
    return priors


def _noises(metric: Metric) -> list[float]:
    if isinstance(metric.noise, tuple):
        return list(metric.noise)
    return [metric.noise or 0.0] * stream_count(metric)


def counts_of(streams: Streams, block: Block) -> tuple[Floats, NDArray[np.bool_]]:
    """A block's n_s, y_s, n_c, y_c of every stream, (streams, 4), and whether each metric was reported.

    Raises BadInput for counts that cannot be.
    """
    rows: list[tuple[float, float, float, float]] = []
    there = np.ones(len(streams.metrics), dtype=bool)
    for i, metric in enumerate(streams.metrics):
        stable, canary = (_shares(metric, arm) for arm in (block.stable, block.canary))
        if stable is None or canary is None or metric.name in block.failed:
            there[i] = False
            rows += [(0.0, 0.0, 0.0, 0.0)] * stream_count(metric)
        else:
            rows += [(*s, *c) for s, c in zip(stable, canary, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(-1, 4), there


def _shares(metric: Metric, arm: Arm) -> list[tuple[float, float]] | None:
    """(n, y) of each stream of a metric in one arm; None where the arm does not have it."""
    if metric.kind is Evidence.RATE:
        return _rate(metric.name, arm)
    cells = arm.histograms.get(metric.name)
    if cells is None:
        return None
    if len(cells) != len(metric.edges) + 1 or min(cells) < 0:
        raise BadInput(
            f"{metric.name}: a histogram of {len(cells)} cells {list(cells)[:4]}...",
            why=f"{len(metric.edges)} edges make {len(metric.edges) + 1} cells, none negative",
        )
    return list(_tails(metric, cells))


def _rate(name: str, arm: Arm) -> list[tuple[float, float]] | None:
    bad, n = arm.counts.get(name), arm.of.get(name, arm.requests)
    if bad is None:
        return None
    if not 0 <= bad <= n:
        raise BadInput(f"{name}: {bad:,} of {n:,} requests were bad, expected 0 to {n:,}")
    return [(n, bad)]


def _tails(metric: Metric, cells: Sequence[int]) -> Iterator[tuple[float, float]]:
    n = above = sum(cells)
    for cell in cells[:-1]:
        above -= cell
        yield n, above
        if metric.kind is Evidence.SCORES:
            yield n, n - above
