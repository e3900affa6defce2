"""Base rates and noise, learnt from the champion before a canary starts."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from timonel.canary import noise
from timonel.canary.bernoulli import Floats
from timonel.canary.block import Block
from timonel.canary.metric import Metric
from timonel.canary.streams import Streams, counts_of, safe_stream, stream_count
from timonel.errors import BadInput


def learnt_metrics(
    streams: Streams, metrics: Sequence[Metric], history: Iterable[Block]
) -> list[Metric]:
    """The metrics with what the history shows; see `CanaryPlan.learn`."""
    counts = np.array([counts_of(streams, block)[0] for block in history])
    if len(counts) < noise.LEAST_HISTORY:
        raise BadInput(
            f"a history of {len(counts)} blocks, expected at least {noise.LEAST_HISTORY}",
            why="noise that lasts shows only over many blocks",
            fix="give more blocks, or none: noise is then learnt on the way, cautiously",
        )
    own, rates = learnt(counts, streams.ratio)
    found = {m.name: i for m, i in zip(streams.metrics, streams.starts.tolist(), strict=True)}
    return [_known(m, found[m.name], own, rates) if m.name in found else m for m in metrics]


def learnt(counts: Floats, ratio: Floats) -> tuple[Floats, Floats]:
    """Noise and base rate of each stream, (..., streams), from counts, (blocks, ..., streams, 4)."""
    sums = counts.sum(axis=0)
    rates = (sums[..., 1] + sums[..., 3] + 0.5) / (sums[..., 0] + sums[..., 2] + 1)
    z, relative = noise.standardised(counts, rates, ratio)
    return noise.from_history(z, relative), rates


def _known(metric: Metric, start: int, own: Floats, rates: Floats) -> Metric:
    values = tuple(own[start : start + stream_count(metric)].tolist())
    return replace(
        metric,
        noise=values if metric.noise is None else metric.noise,
        base_rate=metric.base_rate or float(rates[start + safe_stream(metric)]),
    )
