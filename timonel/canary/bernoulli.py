"""A block e-process for two Bernoulli streams: evidence that holds however often one looks.

Turner, Ly and Grunwald (2024), "Generic E-variables for exact sequential k-sample tests that allow for
optional stopping", arXiv 2106.02693; Turner and Grunwald, arXiv 2203.09785, for nulls other than equality.

A block holds n_s requests of the stable version with y_s bad ones and n_c with y_c of the canary. The
null's boundary is p_c = ratio * p_s + shift. Against it stands an alternative (a*, b*) fixed before the
block is seen; the point (a0, b0) of the boundary nearest to it, in relative entropy, makes the likelihood
ratio an e-variable for every null on the other side, whatever the true rates of that block are. So base
rates may move from block to block, and traffic with them.

All arrays broadcast: the last axis is the grid of alternatives, the one before it the streams.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HARM_ODDS = np.array([1.2, 1.5, 2.0, 3.0, 5.0, 10.0])
"""Harm is bet on as these factors on the odds of the boundary (of a small rate: on the rate itself)."""
SAFE_STEPS = np.array([0.0, 0.35, 0.7])
"""Safety is bet on as these parts of the way from the champion's rate to the boundary."""
CEILING_START = 0.25
"""Where ratio is 0 the way starts at this part of the ceiling."""
NEWTON_STEPS = 60
CLOSE = 1e-9
"""A relative step at which the root is exact enough: what is lost is its square."""
TINY = 1e-12


def harm_alternatives(a: Floats, ratio: Floats, shift: Floats) -> Floats:
    """The canary's rates that are bet on as harm, (..., streams, 6), for predicted stable rates a."""
    edge = _within(ratio * a + shift, TINY, 1 - 1e-9)[..., None]
    odds = edge / (1 - edge) * HARM_ODDS
    return np.asarray(odds / (1 + odds))


def safe_alternatives(a: Floats, ratio: Floats, shift: Floats) -> Floats:
    """The canary's rates that are bet on as harmless, (..., streams, 3)."""
    start = np.where(ratio > 0, a, CEILING_START * shift)[..., None]
    edge = (ratio * a + shift)[..., None]
    return _within(start + SAFE_STEPS * (edge - start), TINY, 1 - 1e-9)


def projection(
    a: Floats, b: Floats, n_s: Floats, n_c: Floats, ratio: Floats, shift: Floats
) -> tuple[Floats, Floats]:
    """The point (a0, b0) of the boundary nearest to the alternative (a, b).

    It solves n_s (a - x) / (x (1 - x)) + ratio n_c (b - y) / (y (1 - y)) = 0 with y = ratio x + shift: the
    root for small rates, which is a quadratic's, made exact by Newton's steps.
    """
    if not shift.any() and (ratio == 1).all():
        n = n_s + n_c
        x = np.where(n > 0, (n_s * a + n_c * b) / np.maximum(n, 1.0), a)
        return x, x
    safe_ratio = np.where(ratio > 0, ratio, 1.0)
    there = (b - shift) / safe_ratio
    top = np.minimum((1 - TINY - shift) / safe_ratio, 1 - TINY)
    low = _within(np.minimum(a, there), TINY, top)
    high = _within(np.maximum(a, there), TINY, top)
    x = _within(_small_rates(a, b, n_s, n_c, ratio, shift), low, high)
    x = _polished(x, low, high, (a, b, n_s, n_c, ratio, shift))
    x = np.where(ratio > 0, x, a)
    return x, _within(ratio * x + shift, TINY, 1 - TINY)


def _within(x: Floats, low: Floats | float, high: Floats | float) -> Floats:
    """`np.clip`, which takes several times as long for few numbers."""
    return np.asarray(np.minimum(np.maximum(x, low), high))


def _polished(x: Floats, low: Floats, high: Floats, given: tuple[Floats, ...]) -> Floats:
    """Newton's steps; one that leaves the bracket is replaced by its middle."""
    done = np.zeros(x.shape, dtype=bool)
    for _ in range(NEWTON_STEPS):
        value, slope = _condition(x, *given)
        below = value > 0
        low, high = np.where(below, x, low), np.where(below, high, x)
        step = x - value / slope
        inside = (step >= low) & (step <= high)
        step = np.where(inside, step, (low + high) / 2)
        # what is done stays: a number must not depend on which others are computed beside it
        close = np.abs(step - x) <= CLOSE * x
        x = np.where(done, x, step)
        done |= close
        if done.all():
            break
    return x


def _small_rates(
    a: Floats, b: Floats, n_s: Floats, n_c: Floats, ratio: Floats, shift: Floats
) -> Floats:
    square = ratio * (n_s + ratio * n_c)
    linear = n_s * (a * ratio - shift) + ratio * n_c * (b - shift)
    root = linear + np.sqrt(np.maximum(linear**2 + 4 * square * n_s * a * shift, 0.0))
    return np.asarray(root / np.maximum(2 * square, TINY))


def _condition(
    x: Floats, a: Floats, b: Floats, n_s: Floats, n_c: Floats, ratio: Floats, shift: Floats
) -> tuple[Floats, Floats]:
    """The equation cleared of its denominators, which falls through 0 at the root, and its slope."""
    y = ratio * x + shift
    off_x, off_y = n_s * (a - x), ratio * n_c * (b - y)
    spread_x, spread_y = x * (1 - x), y * (1 - y)
    value = off_x * spread_y + off_y * spread_x
    slope = ratio * (off_x * (1 - 2 * y) - ratio * n_c * spread_x)
    slope += off_y * (1 - 2 * x) - n_s * spread_y
    return value, np.where(slope < 0, slope, -TINY)


def log_increment(a: Floats, b: Floats, counts: Floats, ratio: Floats, shift: Floats) -> Floats:
    """The log likelihood ratio of one block, (..., streams, grid).

    Args:
        a: predicted stable rates, (..., streams).
        b: alternatives, (..., streams, grid).
        counts: n_s, y_s, n_c, y_c, (..., streams, 4).
        ratio, shift: of the null's boundary, (streams,).
    """
    n_s, y_s, n_c, y_c = (counts[..., i, None] for i in range(4))
    a = _within(a, TINY, 1 - 1e-9)[..., None]
    a0, b0 = projection(a, b, n_s, n_c, ratio[..., None], shift[..., None])
    stable = y_s * np.log(a / a0) + (n_s - y_s) * np.log((1 - a) / (1 - a0))
    return np.asarray(stable + y_c * np.log(b / b0) + (n_c - y_c) * np.log((1 - b) / (1 - b0)))


def log_mean(log_e: Floats) -> Floats:
    """The log of the mean of e-values over the last axis, from their logs."""
    return np.asarray(np.logaddexp.reduce(log_e, axis=-1) - math.log(log_e.shape[-1]))
