"""The edges that scores are compared by: the deciles of what the champion was examined on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from timonel.canary.metric import DECILES
from timonel.config import Config
from timonel.config.releasing import CanaryMetric
from timonel.errors import BadInput
from timonel.terms import Evidence


def with_edges(config: Config, champion: Callable[[], Path]) -> Config:
    """The settings in which metrics of scores without edges have those of the champion's reference.

    `champion` gives its package's folder, and is asked only if need be.
    """
    metrics = config.rollout.metrics or ()
    if not any(map(_lacks, metrics)):
        return config
    edges = deciles(champion())
    filled = [m.model_copy(update={"edges": edges}) if _lacks(m) else m for m in metrics]
    rollout = config.rollout.model_copy(update={"metrics": tuple(filled)})
    return config.model_copy(update={"rollout": rollout})


def _lacks(metric: CanaryMetric) -> bool:
    return metric.kind is Evidence.SCORES and not metric.edges


def deciles(package: Path) -> tuple[float, ...]:
    """The nine deciles of the scores in a package's reference; raises BadInput for fewer of them."""
    try:
        table = pq.read_table(package / "reference.parquet")
    except FileNotFoundError:
        raise BadInput(
            "the champion's package has no reference: deciles of its scores are not known",
            fix="give the metric of kind scores its nine edges",
        ) from None
    names = [n for n in table.column_names if n == "score" or n.startswith("score_")]
    scores = np.max([table[name].to_numpy() for name in names], axis=0)
    parts = np.arange(1, DECILES + 1) / (DECILES + 1)
    edges = np.unique(np.quantile(scores, parts, method="inverted_cdf"))
    if len(edges) < DECILES:
        raise BadInput(
            f"the champion's scores have {len(edges)} different deciles, expected {DECILES}",
            why="it gives many rows the same score",
            fix="give the metric of kind scores its nine edges, or leave it out",
        )
    return tuple(float(e) for e in edges)
