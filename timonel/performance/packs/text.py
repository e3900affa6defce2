"""What texts add to their classes: length, unknown words, writing system."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from timonel.performance.intervals import LEAST_SUPPORT, wilson
from timonel.performance.packs.deferred import Deferred, from_table
from timonel.performance.packs.grids import Grid
from timonel.performance.packs.measures import mean, share
from timonel.performance.packs.quantiles import quantile
from timonel.performance.value import Measured, State
from timonel.reference.scripts import SCRIPTS
from timonel.windows.events import Events
from timonel.windows.pack import Contribution, Field

Counts = NDArray[np.int64]

LENGTHS = Grid((*range(1, 17), *(round(16 * 1.25**i) for i in range(1, 30))))
"""Numbers of tokens: each of its own up to 16, then a quarter wider each, up to 10,000."""
LENGTH_CELLS = len(LENGTHS.wanted) + 1

_MOMENTS = 6
"""Texts, tokens, unknown tokens, and the sums of the three products of the latter two."""


@dataclass(frozen=True)
class TextPack:
    """Reads the columns tokens (-1: no text), oov and script; classes are counted by MulticlassPack."""

    fields = (
        Field("text.lengths", LENGTH_CELLS),
        Field("text.moments", _MOMENTS),
        Field("text.scripts", len(SCRIPTS)),
    )
    remembers = ()
    quality: ClassVar[frozenset[str]] = frozenset()

    def served(self, events: Events) -> Iterator[Contribution]:
        """What the texts are like."""
        tokens, oov = (events.columns[name].astype(np.int64) for name in ("tokens", "oov"))
        there = tokens >= 0
        yield Contribution("text.lengths", np.where(there, LENGTHS.codes(tokens), np.int64(-1)))
        ones = np.ones_like(tokens)
        amount = np.stack([ones, tokens, oov, tokens**2, oov**2, tokens * oov], axis=1)
        at = np.where(there[:, None], np.arange(_MOMENTS), -1)
        yield Contribution("text.moments", at, amount)
        script = events.columns["script"]
        yield Contribution("text.scripts", np.where(there, script, np.int8(-1)))

    def judged(self, events: Events) -> Iterator[Contribution]:
        """Outcomes say nothing of the texts."""
        return iter(())

    def metrics(self, sums: Mapping[str, Counts], seconds: float) -> Deferred:
        """All figures of a window."""
        return from_table(_FIGURES, sums)

    def warnings(self, sums: Mapping[str, Counts]) -> list[str]:
        """Nothing besides."""
        return []


# the edges are whole numbers, each a cell's least: what the cell holds ends one below the next
_STARTS = np.ceil(LENGTHS.edges)
_EDGES = np.concatenate([[0.0], _STARTS, [math.inf]])
_LAST = np.append(_STARTS[1:] - 1, _STARTS[-1])
_MIDDLES = np.concatenate([[0.0], (_STARTS + _LAST) / 2])


def _mean_tokens(sums: Mapping[str, Counts]) -> Measured:
    moments = sums["text.moments"]
    n, tokens, squares = (int(moments[i]) for i in (0, 1, 3))
    variance = (squares - tokens**2 / n) / (n - 1) if n > 1 else 0.0
    return mean(tokens, variance, n, least=0.0)


def _tokens(q: float, sums: Mapping[str, Counts]) -> Measured:
    return quantile(sums["text.lengths"], q, _EDGES, _MIDDLES)


def _script_share(script: int, sums: Mapping[str, Counts]) -> Measured:
    scripts = sums["text.scripts"]
    return share(scripts[script], scripts.sum())


def _oov_rate(sums: Mapping[str, Counts]) -> Measured:
    """Unknown tokens over tokens; the interval takes texts, not tokens, as independent."""
    n, tokens, oov, tt, oo, to = (int(x) for x in sums["text.moments"])
    if not n:
        return Measured.absent(State.NO_DATA)
    if not tokens:
        return Measured.absent(State.UNDEFINED, n)
    if n < LEAST_SUPPORT:
        return Measured.absent(State.TOO_FEW, n)
    value = oov / tokens
    variance = (oo - 2 * value * to + value**2 * tt) / tokens**2
    lower, upper = wilson(value, max(variance, 0.0), tokens)
    return Measured(value, lower, upper, n)


_FIGURES: Mapping[str, Callable[[Mapping[str, Counts]], Measured]] = {
    "oov_rate": _oov_rate,
    "mean_tokens": _mean_tokens,
    "p50_tokens": partial(_tokens, 0.5),
    "p95_tokens": partial(_tokens, 0.95),
    **{f"script_share[{name}]": partial(_script_share, i) for i, name in enumerate(SCRIPTS)},
}
