"""Trains one candidate: searches its settings, fits it, finds the threshold whose errors cost least."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from threadpoolctl import threadpool_limits

from timonel.config import Candidate, Config, Task
from timonel.contract import DataContract
from timonel.errors import BadInput
from timonel.files import staged_directory
from timonel_components.crafts import craft_of
from timonel_components.data.splits import Splits
from timonel_components.learning.estimators import Params
from timonel_components.learning.halving import Trial
from timonel_components.learning.trained import TrainedInfo

__all__ = ["INFO", "Trained", "TrainedInfo", "learn", "threads", "train"]

INFO = "trained.json"


@dataclass(frozen=True)
class Trained:
    """A fitted model with what is known of it."""

    pipeline: Any
    """A classifier's scikit-learn pipeline, or a `timonel.ranker.Ranker`."""
    info: TrainedInfo

    def save(self, directory: Path) -> None:
        """Write the model and its description, whole or not at all."""
        with staged_directory(directory) as stage:
            craft_of(self.info.candidate).save(self.pipeline, stage)
            (stage / INFO).write_text(self.info.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, directory: Path) -> "Trained":
        """Read what `save` wrote; only trusted types are loaded."""
        info = cls.info_of(directory)
        return cls(craft_of(info.candidate).load(directory), info)

    @staticmethod
    def info_of(directory: Path) -> TrainedInfo:
        """Read the description alone."""
        try:
            return TrainedInfo.model_validate_json((directory / INFO).read_bytes())
        except FileNotFoundError:
            raise BadInput(f"{directory}: holds no trained model (no {INFO})") from None


def train(splits: Splits, contract: DataContract, config: Config, candidate: Candidate) -> Trained:
    """Train a candidate on the training rows; settings and threshold are chosen on the validation rows.

    The test rows are not looked at. The same splits, settings and seed give the same model. Raises
    `BadInput` for a task that has no such candidate.
    """
    return learn(splits.train, splits.validation, contract, config, candidate)


def learn(
    fitting: pa.Table,
    choosing: pa.Table,
    contract: DataContract,
    config: Config,
    candidate: Candidate,
    params: Params | None = None,
) -> Trained:
    """As `train`, on two tables; with `params` these settings are fitted and none is searched."""
    _check_fit(contract, config, candidate)
    began = time.perf_counter()
    search = craft_of(candidate).search
    with threadpool_limits(threads(config)):
        best, tried = search(candidate, fitting, choosing, contract, config, params)
    return Trained(best.pipeline, _info(best, tried, candidate, config, began))


def threads(config: Config) -> int:
    """The whole CPUs of a step: candidates train side by side, and more threads than CPUs crawl."""
    cpu = config.resources.cpu
    return max(1, int(float(cpu.removesuffix("m")) / (1000 if cpu.endswith("m") else 1)))


def _check_fit(contract: DataContract, config: Config, candidate: Candidate) -> None:
    if candidate not in config.fitting_candidates:
        raise BadInput(
            f"the candidate {candidate} does not fit task {contract.task}:"
            f" {', '.join(config.fitting_candidates)} do"
        )
    if contract.task is Task.TEXT and len(contract.features) > 1:
        others = ", ".join(c.name for c in contract.features if c.kind != "text")
        raise BadInput(
            f"a text task learns from data.text alone, and data.features also names {others}",
            fix="take data.features out",
        )


def _info(
    best: Trial, tried: int, candidate: Candidate, config: Config, began: float
) -> TrainedInfo:
    return TrainedInfo(
        candidate=candidate,
        params=dict(best.params),
        metric=config.selection_metric,
        score=best.score,
        threshold=best.threshold,
        seconds=round(time.perf_counter() - began, 3),
        rows=best.rows,
        trials=tried,
    )
