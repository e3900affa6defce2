"""The evidence of all shares at once, folded block by block. Leading axes are runs played in parallel."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from timonel.canary import noise
from timonel.canary.bernoulli import (
    HARM_ODDS,
    SAFE_STEPS,
    Floats,
    harm_alternatives,
    log_increment,
    log_mean,
    safe_alternatives,
)
from timonel.canary.streams import PRIOR_EVENTS, Streams

DECAY = 0.5 ** (1 / 30)
"""The champion's rate is predicted from its past blocks, half as much of each 30 blocks back."""
RAREST_TAIL, LARGEST_TAIL = 0.002, 0.9
"""An edge of latency is bet on while the champion's share beyond it lies between these."""

DRAWN = 20.0
"""Requests' worth by which a block's rate of the canary is drawn towards the champion's, for its variance."""


@dataclass(frozen=True)
class Counted:
    """What is known of the streams after some blocks."""

    recent: Floats
    """Decayed bad and all requests of the champion, (..., streams, 2)."""
    harm: Floats
    """Log e-values of each alternative, (..., streams, 6)."""
    safe: Floats
    """The same of safety, (..., safety streams, 3)."""
    seen: Floats
    """Of z: number, sum, sum of squares, of products with the one before, last; of the relative variance
    the sum, (..., streams, 6)."""
    totals: Floats
    """n_s, y_s, n_c, y_c, and n_c times its overdispersion, (..., streams, 5)."""
    contrast: Floats
    """Weight of the blocks, weighted differences, their variance, (..., streams, 3)."""

    @classmethod
    def start(cls, streams: Streams, runs: tuple[int, ...] = ()) -> "Counted":
        """Before the first block."""
        n = np.where(streams.prior > 0, PRIOR_EVENTS / np.maximum(streams.prior, 1e-12), 0.0)
        recent = np.stack([n * streams.prior, n], axis=-1)

        def zeros(*shape: int) -> Floats:
            return np.zeros((*runs, *shape))

        k = len(streams)
        return cls(
            zeros(k, 2) + recent,
            zeros(k, len(HARM_ODDS)),
            zeros(len(streams.safe_at), len(SAFE_STEPS)),
            zeros(k, 6),
            zeros(k, 5),
            zeros(k, 3),
        )

    def at(self, block: int) -> "Counted":
        """Of the states that `fold_blocks` gives, the one after this block."""
        return Counted(*(array[block] for array in vars(self).values()))

    def arrays(self) -> dict[str, Floats]:
        """Its arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


def fold(
    streams: Streams, state: Counted, counts: Floats, known_noise: Floats | None = None
) -> Counted:
    """The state after one block of counts, (..., streams, 4); see `fold_blocks`."""
    return fold_blocks(streams, state, counts[None], np.ones(1, bool), known_noise).at(0)


def fold_blocks(
    streams: Streams,
    state: Counted,
    counts: Floats,
    betting: NDArray[np.bool_],
    known_noise: Floats | None = None,
) -> Counted:
    """The states after each of some blocks: the arrays of a state, with the blocks as their first axis.

    Bets are decided by what was known before a block. Blocks folded one by one give the same, to the bit.

    Args:
        counts: (blocks, ..., streams, 4).
        betting: (blocks,), False while warming up: a block teaches the champion's rate and is no evidence.
        known_noise: noise of each run instead of the plan's, (..., streams).
    """
    recent = _recents(state.recent, counts)
    before = recent[:-1]
    p = (before[..., 0] + 0.5) / (before[..., 1] + 1.0)
    live = counts if betting.all() else counts * betting.reshape(-1, *[1] * (counts.ndim - 1))
    seen = _watched(streams, state.seen, live, p, known_noise is not None)
    phi = _overdispersion(streams, seen[:-1], live, p, known_noise)
    informed = (before[..., 1] > 0) & (live[..., 0] > 0) & (live[..., 2] > 0)
    bets = informed / phi
    fair = ~streams.gated | ((p >= RAREST_TAIL) & (p <= LARGEST_TAIL))
    harm = (bets * fair)[..., None] * _harm(streams, p, live)
    safe = bets[..., streams.safe_at, None] * _safe(streams, p, live)
    totals = np.concatenate([live, (live[..., 2] * phi)[..., None]], axis=-1)
    return Counted(
        recent[1:],
        _running(state.harm, harm),
        _running(state.safe, safe),
        seen[1:],
        _running(state.totals, totals),
        _running(state.contrast, _contrasted(streams, live, p, phi)),
    )


def harm_by_metric(streams: Streams, state: Counted) -> Floats:
    """The log e-value of harm of each metric, (..., metrics): the mean over its edges and alternatives."""
    each = np.logaddexp.reduceat(log_mean(state.harm), streams.starts, axis=-1)
    sizes = np.diff(np.append(streams.starts, len(streams)))
    return np.asarray(each - np.log(sizes))


def safe_by_metric(state: Counted) -> Floats:
    """The log e-value of safety of each metric that needs one."""
    return log_mean(state.safe)


def _running(start: Floats, added: Floats) -> Floats:
    return np.asarray(np.cumsum(np.concatenate([start[None], added]), axis=0)[1:])


def _recents(recent: Floats, counts: Floats) -> Floats:
    """The champion's decayed counts before the first block and after each."""
    found = [recent]
    added, there = counts[..., 1::-1], counts[..., :1] > 0
    decay = np.where(there, DECAY, 1.0)
    for factor, more in zip(decay, added, strict=True):
        found.append(found[-1] * factor + more)
    return np.array(found)


def _harm(streams: Streams, p: Floats, counts: Floats) -> Floats:
    b = harm_alternatives(p, streams.ratio, streams.harm_shift)
    return log_increment(p, b, counts, streams.ratio, streams.harm_shift)


def _safe(streams: Streams, p: Floats, counts: Floats) -> Floats:
    at = streams.safe_at
    a, ratio = p[..., at], streams.ratio[at]
    b = safe_alternatives(a, ratio, streams.safe_shift)
    return log_increment(a, b, counts[..., at, :], ratio, streams.safe_shift)


def _overdispersion(
    streams: Streams, seen: Floats, counts: Floats, p: Floats, known: Floats | None
) -> Floats:
    if known is None:
        known = streams.noise
        if not streams.known.all():
            known = np.where(streams.known, known, noise.on_the_way(seen))
    return noise.phi(known, p, counts, streams.ratio) + streams.design_effect(counts) - 1


def _watched(streams: Streams, seen: Floats, counts: Floats, p: Floats, known: bool) -> Floats:
    """The sums that noise is estimated from, before the first block and after each; not if it is known."""
    if known or streams.known.all():
        return np.broadcast_to(seen, (len(counts) + 1, *seen.shape))
    z, relative = noise.standardised(counts, p, streams.ratio)
    there = (relative > 0).astype(np.float64)
    fixed = np.stack([there, z, z * z, 0 * z, 0 * z, relative], axis=-1)
    found = [seen]
    for now, was, new in zip(fixed, there, z, strict=True):
        last = found[-1]
        after = last + now
        after[..., 3] += new * last[..., 4]
        after[..., 4] += (new - last[..., 4]) * was
        found.append(after)
    return np.array(found)


def _contrasted(streams: Streams, counts: Floats, p: Floats, phi: Floats) -> Floats:
    """Differences of the rates weighted by block as Mantel and Haenszel do, so that a ramp biases nothing."""
    n_s, y_s, n_c, y_c = (counts[..., i] for i in range(4))
    both = (n_s > 0) & (n_c > 0)
    ones_s, ones_c = np.where(both, n_s, 1.0), np.where(both, n_c, 1.0)
    weight = np.where(both, ones_s * ones_c / (ones_s + ones_c) / phi, 0.0)
    difference = y_c / ones_c - streams.ratio * y_s / ones_s
    rate_s = (y_s + p) / (ones_s + 1)
    rate_c = (y_c + rate_s * DRAWN) / (ones_c + DRAWN)
    variance = rate_c * (1 - rate_c) / ones_c + streams.ratio**2 * rate_s * (1 - rate_s) / ones_s
    return np.stack([weight, weight * difference, weight**2 * variance * phi], axis=-1)
