"""Two models, the same rows, and their contrasts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from timonel.config.sections import Challenge
from timonel.retraining.gates import Contrast, paired
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.challenge import Rival
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.metrics.figures import Metric, UndefinedMetric, metric, row_costs
from timonel_components.metrics.known import higher_is_better
from timonel_components.metrics.scored import Floats, Scored

LEAST_PROBABILITY = 1e-6
"""A row's log loss is bounded by it: one row that was surely wrong does not decide alone."""
RESAMPLES = 500


def _log_loss(rows: Scored) -> Floats:
    p = rows.p.astype(np.float64)
    own = p[np.arange(len(rows)), rows.y] / p.sum(axis=1)
    loss: Floats = -np.log(np.clip(own, LEAST_PROBABILITY, 1.0))
    return loss


def _brier(rows: Scored) -> Floats:
    p = rows.p.astype(np.float64)
    if rows.binary:
        binary: Floats = (p[:, 1] - rows.y) ** 2
        return binary
    loss: Floats = ((p - np.eye(p.shape[1])[rows.y]) ** 2).sum(axis=1)
    return loss


LOSSES: dict[str, Callable[[Scored], Floats]] = {
    "log_loss": _log_loss,
    "brier": _brier,
    "accuracy": lambda rows: (rows.predicted != rows.y).astype(np.float64),
    "cost": row_costs,
}
"""Of each metric that is a mean over rows the loss of a row; of `accuracy` that is one error."""


@dataclass(frozen=True)
class Duel:
    """A challenger and the champion on the rows that neither learnt from."""

    model: Fitted
    graph: bytes | None
    """The challenger's ONNX graph, if it has one."""
    rival: Rival
    sample: Sample
    settings: Challenge
    bootstrap: Bootstrap

    @cached_property
    def new(self) -> Scored:
        """The rows as the challenger scores them."""
        return self.model.scored(self.sample.batch, self.sample.y)

    @cached_property
    def old(self) -> Scored:
        """The rows as the champion scores them."""
        return self.rival.scored(self.rival.read(self.sample.table), self.sample.y)

    @property
    def metric(self) -> str:
        """What decides."""
        return self.settings.metric or self.model.config.selection_metric

    @property
    def loss(self) -> str:
        """What groups and spoilt rows are judged by."""
        return self.metric if self.metric in LOSSES else "log_loss"

    def by_row(
        self, name: str, new: Scored, old: Scored, rows: NDArray[np.int64] | None = None
    ) -> Contrast:
        """The contrast of a loss row by row, of some of the rows."""
        a, b = LOSSES[name](new), LOSSES[name](old)
        entity = self.bootstrap.entity
        if rows is not None:
            a, b, entity = a[rows], b[rows], None if entity is None else entity[rows]
        return paired(a, b, entity)

    def contrast(self, name: str) -> Contrast:
        """The contrast of any metric, worse above 0; raises `UndefinedMetric`."""
        if name in LOSSES:
            return self.by_row(name, self.new, self.old)
        figure = metric(name)
        drawn = replace(self.bootstrap, resamples=max(self.bootstrap.resamples, RESAMPLES))
        error = drawn.error(self.new, self.old, figure)
        if error is None:
            raise UndefinedMetric(f"{name} has a value on too few resamples")
        worse = -1 if higher_is_better(name) else 1
        value = worse * (figure.of(self.new) - figure.of(self.old))
        return Contrast(value, error, drawn.units or len(self.sample), len(self.sample))

    def figures(self, name: str) -> tuple[float, float]:
        """A metric of the challenger and of the champion."""
        figure: Metric = metric(name)
        return figure.of(self.new), figure.of(self.old)
