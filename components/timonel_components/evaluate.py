"""Examines a trained model on the rows that training never saw, and judges it by its gates."""

from collections.abc import Iterator

import pyarrow as pa
from threadpoolctl import threadpool_limits

from timonel.config import Config
from timonel.contract import DataContract
from timonel.package import Package
from timonel.terms import Task
from timonel_components.crafts import craft_of
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.contest.contest import contest
from timonel_components.evaluation.contest.golden import golden, make_golden
from timonel_components.evaluation.gates import GateReport, GateResult, judge_gates
from timonel_components.evaluation.result import Evaluation
from timonel_components.evaluation.sample import Fitted, Sample
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


def judge(
    trained: Trained,
    found: Evaluation,
    test: pa.Table,
    contract: DataContract,
    config: Config,
    champion: Package | None = None,
) -> GateReport:
    """All gates: the settings' bounds, what the champion asks of a challenger, the golden set.

    The first model, which has no champion to be held against, writes the golden set where none is kept.
    """
    report = judge_gates(found, config)
    if config.model.task is Task.RANKING:
        return report
    model = Fitted(trained.pipeline, contract, trained.info.threshold, config)
    with threadpool_limits(limits=1):
        return report.plus(_judged(model, Sample.of(test, contract), champion))


def _judged(model: Fitted, sample: Sample, champion: Package | None) -> Iterator[GateResult]:
    config = model.config
    settings, frozen = config.evaluation.challenge, config.golden
    if settings is not None and champion is not None:
        yield from contest(champion, model, sample, settings, Bootstrap.of(sample, config))
    if frozen is not None:
        if champion is None and not frozen.exists():
            make_golden(frozen, model, sample)
        yield golden(frozen, model)
