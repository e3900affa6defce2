"""Made-up traffic of two versions: counts of every block of many runs at once."""

import math
from dataclasses import dataclass

import numpy as np

from timonel.canary.bernoulli import Floats

DAY = 1440.0
"""Blocks of a day, at one a minute."""
SWING_VOLUME, SWING_RATE = 0.7, 0.5
"""How far volume and base rate swing with the day."""
RAMP_RATE = 2.0
"""How much the base rate rises while a ramp lasts: what makes pooled counts lie."""
SPREAD = 0.5
"""Standard deviation of the log of a request's latency."""


@dataclass(frozen=True)
class Scenario:
    """Traffic of one block a minute."""

    requests: float = 3000.0
    """A block of both versions, in the mean."""
    share: float = 0.05
    """Of the canary."""
    base_rate: float = 0.005
    harm: float = 1.0
    """The canary's rate over the champion's (odds of, where it would pass 1)."""
    added: float = 0.0
    """Added to the canary's rate."""
    blocks: int = 200
    diurnal: bool = False
    ramp: bool = False
    """The canary's share rises from a fifth of `share` to ten times it, at most a half; so does the rate."""
    memory: float = 0.0
    """Autocorrelation from block to block of the noise that each version has of its own."""
    noise: float = 0.0
    """Standard deviation of that noise, of the log of the rate."""
    slower: float = 1.0
    """Factor on the canary's latency; with `edges` alone."""
    edges: tuple[float, ...] = ()
    """Latency instead of errors: edges in units of the median latency."""


@dataclass(frozen=True)
class Drawn:
    """Counts n_s, y_s, n_c, y_c, (blocks, runs, streams, 4)."""

    scenario: Scenario
    counts: Floats

    @property
    def runs(self) -> int:
        """How many."""
        return self.counts.shape[1]


def draw(scenario: Scenario, runs: int, rng: np.random.Generator) -> Drawn:
    """Counts of so many runs, each beginning at an hour of its own."""
    t = np.arange(scenario.blocks)[:, None]
    phase = rng.uniform(0, 2 * math.pi, runs)
    day = np.sin(2 * math.pi * t / DAY + phase) if scenario.diurnal else np.zeros((len(t), runs))
    progress = t / max(scenario.blocks - 1, 1) * np.ones(runs)
    share = np.full((len(t), runs), scenario.share)
    rate = scenario.base_rate * (1 + SWING_RATE * day)
    if scenario.ramp:
        first, last = 0.2 * scenario.share, min(10 * scenario.share, 0.5)
        share = first + progress * (last - first)
        rate = rate * (1 + (RAMP_RATE - 1) * progress)
    volume = scenario.requests * (1 + SWING_VOLUME * day)
    n_s, n_c = rng.poisson(volume * (1 - share)), rng.poisson(volume * share)
    own = [_wandering(scenario, len(t), runs, rng) for _ in range(2)]
    count = _slow if scenario.edges else _bad
    arms = [
        count(scenario, n, rate, o, c, rng)
        for n, o, c in zip((n_s, n_c), own, (False, True), strict=True)
    ]
    ones = np.ones(arms[0].shape[-1])
    columns = (n_s[..., None] * ones, arms[0], n_c[..., None] * ones, arms[1])
    return Drawn(scenario, np.stack(columns, axis=-1).astype(np.float64))


def _wandering(scenario: Scenario, blocks: int, runs: int, rng: np.random.Generator) -> Floats:
    """An AR(1), (blocks, runs)."""
    u = rng.normal(0.0, scenario.noise, (blocks, runs))
    for i in range(1, blocks):
        u[i] = scenario.memory * u[i - 1] + math.sqrt(1 - scenario.memory**2) * u[i]
    return u


def _bad(
    scenario: Scenario, n: Floats, rate: Floats, own: Floats, canary: bool, rng: np.random.Generator
) -> Floats:
    p = rate * np.exp(own - scenario.noise**2 / 2)
    if canary:
        p = p * scenario.harm + scenario.added
    return np.asarray(rng.binomial(n.astype(np.int64), np.clip(p, 0, 1)))[..., None]


def _slow(
    scenario: Scenario, n: Floats, rate: Floats, own: Floats, canary: bool, rng: np.random.Generator
) -> Floats:
    """Requests beyond each edge: log-normal latencies whose median wanders, `noise` of its logarithm."""
    place = own + rate / scenario.base_rate - 1 if scenario.diurnal else own
    place = place * SPREAD + (math.log(scenario.slower) if canary else 0.0)
    z = (np.log(np.array(scenario.edges)) - place[..., None]) / SPREAD
    tails = 0.5 * _erfc(z / math.sqrt(2))
    above, before = [], np.ones_like(place)
    left = n.astype(np.int64)
    for j in range(len(scenario.edges)):
        left = rng.binomial(left, np.clip(tails[..., j] / np.maximum(before, 1e-300), 0, 1))
        above.append(left)
        before = tails[..., j]
    return np.stack(above, axis=-1)


def _erfc(x: Floats) -> Floats:
    return np.interp(x, _ERFC_AT, _ERFC)


_ERFC_AT = np.linspace(-8.0, 8.0, 16_001)
_ERFC = np.array([math.erfc(x) for x in _ERFC_AT])
