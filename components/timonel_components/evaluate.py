"""Examines a trained model on the rows that training never saw."""

from statistics import NormalDist

import pyarrow as pa

from timonel.config import Config
from timonel.contract import DataContract
from timonel.package import Package
from timonel_components.evaluation import curves
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.result import Evaluation
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.metrics import metrics_for
from timonel_components.train import Trained


def evaluate(
    trained: Trained,
    test: pa.Table,
    contract: DataContract,
    config: Config,
    champion: Package | None = None,
) -> Evaluation:
    """Examine a model: figures with intervals, slices, calibration, robustness, latency, explanation.

    A champion is scored on the same rows, and the difference is judged pair by pair.
    """
    sample = Sample.of(test, contract)
    info = trained.info
    model = Fitted(trained.pipeline, contract, info.threshold, config)
    rows = model.scored(sample.batch, sample.y)
    bootstrap = _bootstrap(sample, config)
    classes = tuple(map(str, contract.classes))
    lines = curves.curve_classes(rows)
    return Evaluation(
        model=config.model.name,
        task=config.model.task,
        candidate=str(info.candidate),
        classes=classes,
        rows=len(sample),
        period=sample.period(config.data.time),
        threshold=info.threshold,
        confidence=bootstrap.confidence,
        resamples=bootstrap.resamples,
        resampled=f"all rows of a {config.data.entity}" if config.data.entity else "rows",
        selection_metric=config.selection_metric,
        metrics=bootstrap.estimates(rows, metrics_for(len(classes))),
        confusion=curves.confusion(rows),
        roc={classes[k]: curves.roc_curve(rows, k) for k in lines},
        pr={classes[k]: curves.pr_curve(rows, k) for k in lines},
        scores=curves.score_counts(rows, classes),
        calibration=curves.calibration(rows, NormalDist().inv_cdf((1 + bootstrap.confidence) / 2)),
    )


def _bootstrap(sample: Sample, config: Config) -> Bootstrap:
    settings, entity = config.evaluation, config.data.entity
    codes = None if entity is None else sample.codes(entity)
    return Bootstrap(settings.bootstrap, settings.confidence, config.train.seed, codes)
