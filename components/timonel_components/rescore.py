"""Scores logged rows again with the model of a package, as `timonel.replay` asks of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.contract import FeatureReader
from timonel.errors import BadInput
from timonel.package import open_package
from timonel.terms import Task
from timonel_components.learning.scoring import probabilities
from timonel_components.learning.skops_io import load_model


def rescorer(path: Path) -> Callable[[pa.Table], NDArray[np.float64]]:
    """The score of each row: of two classes that of the positive one, of more that of the likeliest."""
    package = open_package(path)
    contract = package.contract
    if contract.task is Task.RANKING:
        raise BadInput("a ranking has no score a row to compare with")
    pipeline: Any = load_model(package.path / "model.skops")
    reader = FeatureReader(contract)

    def score(table: pa.Table) -> NDArray[np.float64]:
        found = probabilities(pipeline, reader.from_table(table), contract)
        top = found[:, 1] if found.shape[1] == 2 else found.max(axis=1)
        return np.asarray(top, dtype=np.float64)

    return score
