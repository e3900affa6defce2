"""Percentile bootstrap intervals, of one model's figures and of paired differences.

Rows of one entity (a customer, a card) are not independent: where an entity is given, all rows of an
entity are drawn together, which makes intervals as wide as they truly are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.config import Config
from timonel_components.evaluation.resampled import RESAMPLED
from timonel_components.evaluation.result import Estimate
from timonel_components.evaluation.sample import Sample
from timonel_components.metrics.figures import Metric, UndefinedMetric
from timonel_components.metrics.scored import Floats, Scored

CHUNK_VALUES = 4_000_000
"""Weights held at once: bounds memory at 32 MB a chunk."""
MIN_DEFINED = 0.9
"""Share of resamples that must have a value: with fewer an interval would flatter."""


@dataclass(frozen=True)
class Bootstrap:
    """How to resample."""

    resamples: int
    confidence: float
    seed: int
    entity: NDArray[np.int64] | None = None
    """Code of each row's entity."""

    @classmethod
    def of(cls, sample: Sample, config: Config) -> "Bootstrap":
        """As the settings say, for these rows."""
        settings, entity = config.evaluation, config.data.entity
        codes = None if entity is None else sample.codes(entity)
        return cls(settings.bootstrap, settings.confidence, config.train.seed, codes)

    def take(self, rows: NDArray[Any]) -> "Bootstrap":
        """The same for some of the rows."""
        entity = None if self.entity is None else self.entity[rows]
        return Bootstrap(self.resamples, self.confidence, self.seed, entity)

    def weights(self, n: int) -> Iterator[Floats]:
        """How often each of n rows is drawn, (some, n) at a time; the same at each call."""
        rng = np.random.default_rng(self.seed)
        units, code = n, None
        if self.entity is not None:
            _, code = np.unique(self.entity, return_inverse=True)
            units = int(code.max()) + 1
        step = max(1, CHUNK_VALUES // n)
        for start in range(0, self.resamples, step):
            size = min(step, self.resamples - start)
            drawn = np.stack([_draw(rng, units) for _ in range(size)])
            yield drawn if code is None else drawn[:, code]

    def estimates(self, rows: Scored, metrics: tuple[Metric, ...]) -> dict[str, Estimate]:
        """Each metric of the rows with its interval."""
        points = {m.name: _point(m, rows) for m in metrics}
        defined = [name for name, point in points.items() if point.value is not None]
        if not defined:
            return points
        samples = self._samples(rows, defined)
        return points | {name: self.interval(points[name].value, samples[name]) for name in defined}

    def differences(
        self, new: Scored, old: Scored, metrics: tuple[Metric, ...]
    ) -> dict[str, Estimate]:
        """Each metric of `new` less that of `old`, both on the same resamples of the same rows."""
        both = {m.name: (_point(m, new), _point(m, old)) for m in metrics}
        found = {name: a if a.value is None else b for name, (a, b) in both.items()}
        defined = {
            name: a.value - b.value
            for name, (a, b) in both.items()
            if a.value is not None and b.value is not None
        }
        if not defined:
            return found
        news, olds = self._samples(new, list(defined)), self._samples(old, list(defined))
        return found | {
            name: self.interval(value, news[name] - olds[name]) for name, value in defined.items()
        }

    def error(self, new: Scored, old: Scored, metric: Metric) -> float | None:
        """The standard error of a metric's difference; None where too few resamples have a value."""
        news, olds = (self._samples(rows, [metric.name])[metric.name] for rows in (new, old))
        known = (news - olds)[np.isfinite(news - olds)]
        return float(known.std(ddof=1)) if len(known) >= MIN_DEFINED * self.resamples else None

    @property
    def units(self) -> int | None:
        """How many entities there are, where rows are drawn by them."""
        return None if self.entity is None else len(np.unique(self.entity))

    def interval(self, value: float | None, samples: Floats) -> Estimate:
        """The percentile interval around a value; too few defined samples leave it undefined."""
        known = samples[np.isfinite(samples)]
        if value is None or len(known) < MIN_DEFINED * len(samples):
            share = len(known) / len(samples)
            return Estimate(
                value=None, reason=f"too few rows: only {share:.0%} of the resamples have a value"
            )
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(known, [tail, 1 - tail])
        return Estimate(value=value, low=float(low), high=float(high))

    def _samples(self, rows: Scored, names: list[str]) -> dict[str, Floats]:
        with np.errstate(divide="ignore", invalid="ignore"):
            chunks = [
                [RESAMPLED[name](rows, weights) for name in names]
                for weights in self.weights(len(rows))
            ]
        return {name: np.concatenate([c[i] for c in chunks]) for i, name in enumerate(names)}


def _draw(rng: np.random.Generator, units: int) -> Floats:
    return np.bincount(rng.integers(units, size=units), minlength=units).astype(np.float64)


def _point(metric: Metric, rows: Scored) -> Estimate:
    try:
        return Estimate(value=metric.of(rows))
    except UndefinedMetric as reason:
        return Estimate(value=None, reason=str(reason))
