"""The craft of classifiers: scikit-learn pipelines."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from timonel.config import Candidate, Config
from timonel.contract import DataContract, FeatureReader
from timonel.package import Package
from timonel_components.data.recent import weights
from timonel_components.evaluation.examine import examine
from timonel_components.evaluation.result import Evaluation
from timonel_components.learning.estimators import Params, tidy
from timonel_components.learning.halving import Rows, Trial, successive_halving
from timonel_components.learning.scoring import encode_target
from timonel_components.learning.skops_io import load_model, save_model
from timonel_components.learning.trained import TrainedInfo
from timonel_components.packaging.classifier import pack
from timonel_components.packaging.packed import Packed

MODEL = "model.skops"


class Classifying:
    """How classifiers are learnt, kept, examined and packed."""

    def search(
        self,
        candidate: Candidate,
        past: pa.Table,
        later: pa.Table,
        contract: DataContract,
        config: Config,
        params: Params | None,
    ) -> tuple[Trial, int]:
        """Successive halving on the past rows; settings and threshold are chosen on the later ones."""
        learnt = replace(_rows(past, contract), weight=weights(past, config))
        rows = (learnt, _rows(later, contract))
        best, tried = successive_halving(candidate, *rows, contract, config, params)
        tidy(best.pipeline)
        return best, tried

    def save(self, model: Any, directory: Path) -> None:
        """Write a pipeline as skops."""
        save_model(model, directory / MODEL)

    def load(self, directory: Path) -> Any:
        """Read a pipeline; only trusted types are loaded."""
        return load_model(directory / MODEL)

    def examine(
        self,
        model: Any,
        info: TrainedInfo,
        test: pa.Table,
        contract: DataContract,
        config: Config,
        champion: Package | None,
    ) -> Evaluation:
        """Examine a pipeline."""
        return examine(model, info, test, contract, config, champion)

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
        """Write the pipeline, its ONNX graph and the reference."""
        return pack(directory, model, info, evaluation, test, contract, config)


def _rows(table: pa.Table, contract: DataContract) -> Rows:
    return Rows(FeatureReader(contract).from_table(table), encode_target(table, contract))
