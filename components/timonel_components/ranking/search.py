"""Searches a ranker's settings: fitted on the past, judged by what its users chose next."""

import pyarrow as pa

from timonel.config import Candidate, Config
from timonel.errors import BadInput
from timonel.ranker import Ranker
from timonel_components.learning.estimators import Params
from timonel_components.learning.halving import Trial
from timonel_components.learning.settings import drawn
from timonel_components.metrics.ranked import LIST_METRICS, QUALITY
from timonel_components.ranking.estimators import SPACES, build
from timonel_components.ranking.interactions import Interactions
from timonel_components.ranking.judging import Truth


def search(
    candidate: Candidate,
    past: pa.Table,
    later: pa.Table,
    config: Config,
    params: Params | None = None,
) -> tuple[Trial, int]:
    """The best setting, refitted on all rows, and how many were tried.

    Settings are fitted on the `past` and scored on the lists of the users of `later`. The model that is
    given back has learnt from both tables: a list made of an old history would be worse. With `params`
    this setting alone is tried.
    """
    _check_metric(config.selection_metric)
    learnt, next_up = Interactions.of(past, config), Interactions.of(later, config)
    settings = drawn(SPACES[candidate], config.train) if params is None else [params]
    scores = [_score(_fit(candidate, p, learnt, config), next_up, config) for p in settings]
    best = max(range(len(settings)), key=scores.__getitem__)  # of equals the earlier setting
    whole = pa.concat_tables([past, later])
    newest = whole.slice(max(0, whole.num_rows - config.train.max_rows))
    model = _fit(candidate, settings[best], Interactions.of(newest, config), config)
    return Trial(settings[best], model, scores[best], None, newest.num_rows), len(settings)


def _check_metric(name: str) -> None:
    if name not in QUALITY:
        raise BadInput(
            f"train.metric is {name}, which does not compare rankings",
            fix=f"use one of {', '.join(QUALITY)}",
        )


def _fit(candidate: Candidate, params: Params, rows: Interactions, config: Config) -> Ranker:
    estimator = build(
        candidate, params, exclude_seen=config.ranking.exclude_seen, seed=config.train.seed
    )
    return estimator.fit(rows).ranker_


def _score(ranker: Ranker, later: Interactions, config: Config) -> float:
    judged = Truth.of(later, ranker).judge(ranker, config.ranking.k)
    metric = next(m for m in LIST_METRICS if m.name == config.selection_metric)
    values, defined = metric.of(judged)
    return float(values[defined].mean())
