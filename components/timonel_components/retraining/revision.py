"""A new version from the champion's package without a training: recalibrated, or with another threshold."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from timonel.config import Candidate, Config
from timonel.config.sections import Challenge
from timonel.contract import FeatureReader
from timonel.errors import BadInput
from timonel.package import Package
from timonel.retraining import Answer
from timonel_components.evaluate import evaluate, judge
from timonel_components.evaluation.gates import GateReport
from timonel_components.evaluation.result import Evaluation
from timonel_components.learning.scoring import encode_target, probabilities
from timonel_components.learning.skops_io import load_model
from timonel_components.learning.trained import TrainedInfo
from timonel_components.metrics.threshold import best_threshold
from timonel_components.retraining.labelled import Labelled, judged_by, marginals
from timonel_components.retraining.shift import recalibrated
from timonel_components.train import Trained

METRICS = {Answer.RECALIBRATE: "log_loss", Answer.MOVE_THRESHOLD: "cost"}
"""What each action is meant to better: the order of the scores stays as it is."""


@dataclass(frozen=True)
class Revision:
    """A changed model, and what the gates say of it."""

    trained: Trained
    change: dict[str, float]
    evaluation: Evaluation
    gates: GateReport
    config: Config
    """That it was judged by."""


def revise(champion: Package, answer: Answer, rows: Labelled, config: Config) -> Revision:
    """Change the champion by the older labelled rows, hold it against the champion on the newer ones."""
    trained, change = _changed(champion, answer, rows.fitting, config)
    settings = _settled(judged_by(config, rows.judging), answer)
    given = (rows.judging, champion.contract, settings, champion)
    found = evaluate(trained, *given)
    return Revision(trained, change, found, judge(trained, found, *given), settings)


def _changed(
    champion: Package, answer: Answer, rows: pa.Table, config: Config
) -> tuple[Trained, dict[str, float]]:
    contract, threshold = champion.contract, champion.manifest.threshold
    pipeline = load_model(champion.path / "model.skops")
    batch = FeatureReader(contract).from_table(rows)
    if answer is Answer.RECALIBRATE:
        model, odds = recalibrated(pipeline, contract, batch, marginals(rows, contract))
        names = map(str, contract.classes)
        return _trained(champion, model, threshold, rows), dict(
            zip(names, odds.tolist(), strict=True)
        )
    if threshold is None:
        raise BadInput(
            "a model of more than two classes has no threshold to move",
            fix="set retraining.on_prior_shift to recalibrate",
        )
    p = np.asarray(probabilities(pipeline, batch, contract)[:, 1])
    moved = best_threshold(encode_target(rows, contract), p, config.costs)
    return _trained(champion, pipeline, moved, rows), {"from": threshold, "to": moved}


def _trained(
    champion: Package, pipeline: object, threshold: float | None, rows: pa.Table
) -> Trained:
    candidate = Candidate(champion.manifest.candidate)
    info = TrainedInfo(
        candidate=candidate,
        params={},
        metric="none",
        score=0.0,
        threshold=threshold,
        seconds=0.0,
        rows=rows.num_rows,
        trials=0,
    )
    return Trained(pipeline, info)


def _settled(config: Config, answer: Answer) -> Config:
    """The settings of the gates, whose metric is what the action is meant to better."""
    asked = config.evaluation.challenge or Challenge()
    challenge = asked.model_copy(update={"metric": METRICS[answer]})
    evaluation = config.evaluation.model_copy(update={"challenge": challenge})
    return config.model_copy(update={"evaluation": evaluation})
