"""The craft of rankers: tables of items and histories."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from timonel.config import Candidate, Config
from timonel.contract import DataContract
from timonel.package import Package
from timonel.ranker import load_ranker, save_ranker
from timonel_components.evaluation.result import Evaluation
from timonel_components.learning.estimators import Params
from timonel_components.learning.halving import Trial
from timonel_components.learning.trained import TrainedInfo
from timonel_components.packaging.packed import Packed
from timonel_components.ranking.examine import examine
from timonel_components.ranking.pack import RANKER, TABLES, pack
from timonel_components.ranking.search import search


class RankingCraft:
    """How rankers are learnt, kept, examined and packed."""

    def search(
        self,
        candidate: Candidate,
        past: pa.Table,
        later: pa.Table,
        contract: DataContract,
        config: Config,
        params: Params | None,
    ) -> tuple[Trial, int]:
        """Settings are chosen by what users chose later; the model learns from both tables."""
        return search(candidate, past, later, config, params)

    def save(self, model: Any, directory: Path) -> None:
        """Write the tables."""
        save_ranker(model, directory / RANKER)

    def load(self, directory: Path) -> Any:
        """Read the tables."""
        return load_ranker(directory / RANKER)

    def examine(
        self,
        model: Any,
        info: TrainedInfo,
        test: pa.Table,
        contract: DataContract,
        config: Config,
        champion: Package | None,
    ) -> Evaluation:
        """Examine the lists that a ranker makes."""
        return examine(model, str(info.candidate), test, config, champion)

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
        """Write the tables and the reference."""
        pack(directory, model, evaluation, test, config)
        sentence = "Served from its tables by numpy: the same code made the lists examined here."
        return Packed(TABLES, sentence)
