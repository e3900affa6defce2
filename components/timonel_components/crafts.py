"""What classifiers and rankers do differently. Everything else of the pipeline is the same for both."""

from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from timonel.config import Candidate, Config
from timonel.config.model import RANKERS
from timonel.contract import DataContract
from timonel.package import Package
from timonel_components.classifying import Classifying
from timonel_components.evaluation.result import Evaluation
from timonel_components.learning.estimators import Params
from timonel_components.learning.halving import Trial
from timonel_components.learning.trained import TrainedInfo
from timonel_components.packaging.packed import Packed
from timonel_components.ranking.craft import RankingCraft


class Craft(Protocol):
    """How one kind of model is learnt, kept, examined and packed."""

    def search(
        self,
        candidate: Candidate,
        past: pa.Table,
        later: pa.Table,
        contract: DataContract,
        config: Config,
        params: Params | None,
    ) -> tuple[Trial, int]:
        """The best setting of a candidate by the `later` rows, fitted, and how many were tried."""

    def save(self, model: Any, directory: Path) -> None:
        """Write a fitted model into a directory that exists."""

    def load(self, directory: Path) -> Any:
        """Read what `save` wrote; `Corrupt` for anything else."""

    def examine(
        self,
        model: Any,
        info: TrainedInfo,
        test: pa.Table,
        contract: DataContract,
        config: Config,
        champion: Package | None,
    ) -> Evaluation:
        """Examine a model on the rows that training never saw."""

    def pack(
        self,
        directory: Path,
        model: Any,
        info: TrainedInfo,
        evaluation: Evaluation,
        test: pa.Table,
        contract: DataContract,
        config: Config,
    ) -> Packed:
        """Write what serves the model, and the reference that later data are compared with."""


def craft_of(candidate: Candidate) -> Craft:
    """The craft that the candidate belongs to."""
    return RankingCraft() if candidate in RANKERS else Classifying()
