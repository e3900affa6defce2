"""Successive halving: many settings on few rows, the better ones on more, the best on all.

Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization" (2016).
Every comparison is on the validation rows, which are later than the training rows where there is a
time; scikit-learn's own search would compare on random folds of the past.
"""

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from timonel.config import Candidate, Config
from timonel.contract import DataContract, FeatureBatch
from timonel.errors import BadInput
from timonel_components.learning.estimators import SPACES, Params, build
from timonel_components.learning.scoring import model_input, probabilities
from timonel_components.learning.settings import drawn
from timonel_components.learning.vocabulary import look_at
from timonel_components.metrics.figures import UndefinedMetric, metric
from timonel_components.metrics.known import higher_is_better
from timonel_components.metrics.threshold import best_threshold

FACTOR = 3
"""Each round keeps one setting in so many, on so many times the rows."""
MIN_ROWS = 1000
"""Rows of the first round at least: fewer rank settings by luck."""
MIN_PER_CLASS = 20
"""Rows that the rarest class of a round needs, or as many as there are."""


@dataclass(frozen=True)
class Rows:
    """Features and classes of some rows."""

    batch: FeatureBatch
    y: NDArray[np.int64]
    weight: NDArray[np.float64] | None = None
    """How much each counts in a fit; None: all alike."""

    def newest(self, n: int) -> "Rows":
        """The last `n` rows: the newest where they stand in the order of time."""
        start = len(self.y) - n
        weight = None if self.weight is None else self.weight[start:]
        return Rows(self.batch[slice(start, None)], self.y[start:], weight)


@dataclass(frozen=True)
class Trial:
    """One setting, fitted and scored."""

    params: Params
    pipeline: Any
    score: float
    threshold: float | None
    rows: int


def successive_halving(
    candidate: Candidate,
    fitting: Rows,
    choosing: Rows,
    contract: DataContract,
    config: Config,
    params: Params | None = None,
) -> tuple[Trial, int]:
    """The best setting fitted on all `fitting` rows, and how many settings were tried.

    With `params` this setting alone is tried.
    """
    settings = drawn(SPACES[candidate], config.train) if params is None else [params]
    better = 1 if higher_is_better(config.selection_metric) else -1
    run = partial(_run, candidate, choosing=choosing, contract=contract, config=config)
    alive = settings
    for rows in _schedule(len(settings), fitting):
        trials = [run(params, fitting.newest(rows)) for params in alive]
        trials.sort(key=lambda t: -better * t.score)  # stable: of equals the earlier setting
        alive = [t.params for t in trials[: -(-len(trials) // FACTOR)]]
    return trials[0], len(settings)


def _schedule(settings: int, fitting: Rows) -> list[int]:
    """The rows of each round: the last one takes all, each before it a third of the next."""
    total = len(fitting.y)
    rounds, rows = [total], total
    while FACTOR ** len(rounds) <= settings and rows // FACTOR >= MIN_ROWS:
        rows //= FACTOR
        if not _enough(fitting.newest(rows).y, fitting.y):
            break
        rounds.insert(0, rows)
    return rounds


def _enough(y: NDArray[np.int64], all_y: NDArray[np.int64]) -> bool:
    wanted = np.minimum(np.bincount(all_y), MIN_PER_CLASS)
    return bool((np.bincount(y, minlength=len(wanted)) >= wanted).all())


def _run(
    candidate: Candidate,
    params: Params,
    fitting: Rows,
    *,
    choosing: Rows,
    contract: DataContract,
    config: Config,
) -> Trial:
    pipeline = fit(candidate, params, fitting, contract, config)
    p = probabilities(pipeline, choosing.batch, contract)
    threshold = best_threshold(choosing.y, p[:, 1], config.costs) if p.shape[1] == 2 else None
    return Trial(
        params, pipeline, _score(choosing.y, p, threshold, config), threshold, len(fitting.y)
    )


def fit(
    candidate: Candidate, params: Params, fitting: Rows, contract: DataContract, config: Config
) -> Any:
    """A pipeline with these settings, fitted; raises `BadInput` where the rows teach nothing."""
    seen = look_at(fitting.batch, fitting.y)
    pipeline = build(candidate, contract, params, config.train.seed, seen)
    _fit(pipeline, fitting, contract, candidate)
    return pipeline


def _fit(pipeline: Any, fitting: Rows, contract: DataContract, candidate: Candidate) -> None:
    weighted = {} if fitting.weight is None else {"model__sample_weight": fitting.weight}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            pipeline.fit(model_input(fitting.batch, contract), fitting.y, **weighted)
    except ValueError as error:  # how scikit-learn says that it cannot learn from these values
        raise BadInput(
            f"{candidate} cannot learn from {len(fitting.y):,} rows: {error}",
            fix="look at the columns, or name the other candidates in train.candidates",
        ) from error


def _score(y: NDArray[np.int64], p: NDArray[Any], threshold: float | None, config: Config) -> float:
    name = config.selection_metric
    try:
        return metric(name)(y, p, threshold, config.costs)
    except UndefinedMetric as error:
        raise BadInput(
            f"train.metric {name} has no value on the validation rows: {error}",
            fix="choose another train.metric, or a larger split.validation",
        ) from None
