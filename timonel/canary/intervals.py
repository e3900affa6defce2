"""Intervals that hold at all looks at once, for what is shown beside a verdict."""

import math

import numpy as np

from timonel.canary.bernoulli import Floats

HALVINGS = 45
EVENTS = 3.0
"""Bad requests at which the interval of a difference is about as narrow as it can be."""
_LOG_BETA_HALVES = math.log(math.pi)


def rate_bounds(n: Floats, y: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Bounds of rates, (streams,): the rates that a mixture of all rates has not outbet by 1 / alpha.

    The mixture is Jeffreys' (Robbins 1970, the beta-binomial one). Where the rate moves, the bounds are those
    of its mean so far. n and y may be fractions: requests over their overdispersion.
    """
    log_mixture = np.array([_log_beta(b + 0.5, m - b + 0.5) for m, b in zip(n, y, strict=True)])
    bar = log_mixture - _LOG_BETA_HALVES + math.log(alpha)
    share = y / np.maximum(n, 1e-300)
    ends = np.concatenate([np.zeros_like(share), np.ones_like(share)])
    found = _crossing(ends, *(np.tile(x, 2) for x in (share, n, y, bar)))
    lower, upper = found[: len(n)], found[len(n) :]
    return np.where(n > 0, lower, 0.0), np.where(n > 0, upper, 1.0)


def _crossing(out: Floats, inside: Floats, n: Floats, y: Floats, bar: Floats) -> Floats:
    """Between a rate that is outbet and one that is not."""
    for _ in range(HALVINGS):
        middle = (out + inside) / 2
        p = np.minimum(np.maximum(middle, 1e-300), 1 - 1e-16)
        kept = y * np.log(p) + (n - y) * np.log1p(-p) >= bar
        out, inside = np.where(kept, out, middle), np.where(kept, middle, inside)
    return inside


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def contrast_half_width(contrast: Floats, alpha: float) -> Floats:
    """Half of the interval of a difference from `Counted.contrast`, (streams,): Robbins' normal mixture."""
    weight, variance = np.maximum(contrast[..., 0], 1e-300), contrast[..., 2]
    grown = variance + EVENTS
    return np.asarray(np.sqrt(grown * np.log(grown / (EVENTS * alpha**2))) / weight)
