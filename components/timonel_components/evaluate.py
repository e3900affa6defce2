"""Examines a trained model on the rows that training never saw."""

import pyarrow as pa
from threadpoolctl import threadpool_limits

from timonel.config import Config
from timonel.contract import DataContract
from timonel.package import Package
from timonel_components.crafts import craft_of
from timonel_components.evaluation.result import Evaluation
from timonel_components.train import Trained


def evaluate(
    trained: Trained,
    test: pa.Table,
    contract: DataContract,
    config: Config,
    champion: Package | None = None,
) -> Evaluation:
    """Examine a model: its figures with intervals, what they depend on, and its latency.

    A champion is held against the same rows, and the difference is judged in pairs.
    """
    craft = craft_of(trained.info.candidate)
    with threadpool_limits(limits=1):  # as the predictor runs; more threads than cores crawl
        return craft.examine(trained.pipeline, trained.info, test, contract, config, champion)
