"""A fitted pipeline's view of rows: what goes in, what comes out, and what was true."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from timonel.config import Task
from timonel.contract import DataContract, FeatureBatch
from timonel.errors import BadInput


def model_input(batch: FeatureBatch, contract: DataContract) -> Any:
    """What the pipeline is fitted on and scores: a data frame, or for a text task its texts."""
    if contract.task is Task.TEXT:
        return batch.text[:, 0]
    return pd.DataFrame(batch.by_column(contract))


def probabilities(pipeline: Any, batch: FeatureBatch, contract: DataContract) -> NDArray[Any]:
    """The probability of each class of the contract, (n, classes); a class never learnt has zero."""
    found = pipeline.predict_proba(model_input(batch, contract))
    return aligned(found, pipeline.classes_, contract)


def aligned(p: Any, learnt: Any, contract: DataContract) -> NDArray[Any]:
    """Probabilities of the classes learnt as probabilities of all classes of the contract."""
    if p.shape[1] == len(contract.classes):
        return np.asarray(p)
    full = np.zeros((len(p), len(contract.classes)), dtype=p.dtype)
    full[:, learnt] = p
    return full


def encode_target(table: pa.Table, contract: DataContract) -> NDArray[np.int64]:
    """The class of each row as an index into the contract's classes."""
    place = {label: i for i, label in enumerate(contract.classes)}
    values = table[contract.target].to_pylist()
    try:
        return np.fromiter((place[v] for v in values), dtype=np.int64, count=len(values))
    except KeyError as unknown:
        row = next(i for i, v in enumerate(values) if v not in place)
        raise BadInput(
            f"row {row}: the target {contract.target} is {unknown}: expected one of"
            f" {', '.join(map(repr, contract.classes))}"
        ) from None
