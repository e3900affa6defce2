"""Intervals of a ranking's figures: users are drawn again, each with its whole list."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timonel.performance.ranking import NO_ITEM, exposure
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.result import Estimate
from timonel_components.metrics.ranked import (
    LIST_METRICS,
    SHELF_METRICS,
    Floats,
    Judged,
    ListMetric,
    ShelfMetric,
)


@dataclass(frozen=True)
class Resampling:
    """How to draw users again, and the level of the intervals."""

    bootstrap: Bootstrap

    def estimates(self, judged: Judged, names: tuple[str, ...]) -> dict[str, Estimate]:
        """The figures of some lists, each with its interval."""
        wanted = [m for m in LIST_METRICS if m.name in names]
        found = {m.name: self._mean(m, judged) for m in wanted}
        shelves = [m for m in SHELF_METRICS if m.name in names]
        return found | {m.name: self._shelf(m, judged) for m in shelves}

    def differences(self, new: Judged, old: Judged, names: tuple[str, ...]) -> dict[str, Estimate]:
        """Each figure of `new` less that of `old`: the same users are drawn for both."""
        found = {}
        for metric in (m for m in LIST_METRICS if m.name in names):
            (a, both), (b, other) = metric.of(new), metric.of(old)
            found[metric.name] = self._interval(a - b, both & other)
        return found

    def _mean(self, metric: ListMetric, judged: Judged) -> Estimate:
        values, defined = metric.of(judged)
        return self._interval(values, defined)

    def _interval(self, values: Floats, defined: NDArray[np.bool_]) -> Estimate:
        if not defined.any():
            return Estimate(value=None, reason="no list is long enough")
        share = defined.astype(np.float64)
        with np.errstate(invalid="ignore"):
            samples = [
                (drawn @ (values * share)) / (drawn @ share)
                for drawn in self.bootstrap.weights(len(values))
            ]
        return self.bootstrap.interval(float(values[defined].mean()), np.concatenate(samples))

    def _shelf(self, metric: ShelfMetric, judged: Judged) -> Estimate:
        """A figure of all lists together.

        Fewer distinct users are in a resample, hence fewer distinct items: its level is biased, its
        spread is not. The interval is the spread around the value.
        """
        size = len(judged.information)
        shown = exposure(judged.items, size)
        if not shown.any():
            return Estimate(value=None, reason="no list shows an item")
        value = metric.compute(shown)
        real = judged.items != NO_ITEM
        items, lists = judged.items[real], np.nonzero(real)[0]
        samples = np.array(
            [
                metric.compute(np.bincount(items, drawn[lists], size).astype(np.int64))
                for chunk in self.bootstrap.weights(len(judged))
                for drawn in chunk
            ]
        )
        found = self.bootstrap.interval(value, samples - samples.mean() + value)
        low, high = found.low, found.high
        assert low is not None
        assert high is not None
        return Estimate(value=value, low=max(0.0, low), high=min(1.0, high))
