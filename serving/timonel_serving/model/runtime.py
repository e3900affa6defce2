"""Loads the model of a verified package: rows in, probabilities out.

Two backends behind one method: ONNX Runtime, and scikit-learn itself for models that ONNX cannot
express. Neither touches a pickle.
"""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from timonel.contract import DataContract, FeatureBatch
from timonel.errors import BadInput, Corrupt
from timonel.package import Package
from timonel.trust import TRUSTED_TYPES

Probabilities = NDArray[np.float32]


class Backend(Protocol):
    """What can score a batch."""

    def probabilities(self, batch: FeatureBatch) -> Probabilities:
        """The probability of each class, float32 (rows, classes), in the order of the contract."""


def load_backend(package: Package, *, threads: int = 1) -> Backend:
    """Load the model of a package that `open_package` has verified.

    `threads` is what ONNX Runtime may use for one batch: 1 leaves the other cores to other processes.
    """
    if package.manifest.backend == "onnx":
        return OnnxBackend(package.path / "model.onnx", threads)
    return SkopsBackend(package.path / "model.skops", package.contract)


class OnnxBackend:
    """ONNX Runtime on the CPU. Safe to use from several threads."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises bare exceptions of its own C++ types
            raise Corrupt(f"{path}: ONNX Runtime cannot load the model: {error}") from error
        self._inputs = tuple(i.name for i in self._session.get_inputs())

    def probabilities(self, batch: FeatureBatch) -> Probabilities:
        """The probability of each class."""
        feeds = {name: getattr(batch, name) for name in self._inputs}
        scores: Probabilities = self._session.run(["probabilities"], feeds)[0]
        return scores


class SkopsBackend:
    """A scikit-learn pipeline, rebuilt by skops from types that are trusted by name."""

    def __init__(self, path: Path, contract: DataContract) -> None:
        self._contract = contract
        self.pipeline = _load_skops(path)

    def probabilities(self, batch: FeatureBatch) -> Probabilities:
        """The probability of each class."""
        scores = self.pipeline.predict_proba(self.frame(batch))
        return np.ascontiguousarray(scores, dtype=np.float32)

    def frame(self, batch: FeatureBatch) -> Any:
        """What the pipeline takes: a data frame, or of a text model the texts."""
        if not self._contract.numeric and not self._contract.categorical:
            return batch.text[:, 0]
        import pandas as pd

        return pd.DataFrame(batch.by_column(self._contract))


def _load_skops(path: Path) -> Any:
    try:
        import skops.io
    except ImportError:
        raise BadInput(
            f"{path}: this model is served by scikit-learn, which is not installed here",
            fix="pip install 'timonel-serving[sklearn]'",
        ) from None
    foreign = sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES))
    if foreign:
        raise Corrupt(
            f"{path} holds types that are not trusted: {', '.join(foreign)}",
            why="a model file may run the code of its types: this one will not be loaded",
        )
    return skops.io.load(path, trusted=list(TRUSTED_TYPES))
